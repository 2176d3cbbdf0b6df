/**
 * Subscribers who ask the same and have been told the same go on together: one of them reads on for all, and what comes is
 * worked out and written once. Each is given the next message when it has taken the one before, so nobody waits for
 * those who are slow. Some of what they have not taken yet is kept, once for all of them; whoever falls back behind that
 * goes on alone from where he is, and is back with the others when he has caught up.
 */
import { isCourse, type Course } from '../services/course.ts';
import { doApart } from '../underWay.ts';
import type { GraphQLError } from 'graphql';
import type { Viewer } from '../services/viewer.ts';
import type { Message } from './messages.ts';

/** How much is kept for those who are behind: so many messages, and of these so many characters. */
const MOST_KEPT = 500;
const LONGEST_KEPT = 1_000_000;

export interface Listener {
  /** Hands a message on. `taken` is to be called when the next may come: not before this has returned, or never. */
  tell(message: Message, taken: () => void): void;
  /** Nothing comes any more; `error` says why, if that is not the end of what was followed. */
  ended(error?: GraphQLError): void;
}

export interface Asked {
  /** The same for those who are to be told the same. */
  question: string;
  source: AsyncIterator<unknown>;
  /** Who is told, where that makes a difference. */
  viewer: Viewer;
  answer: (event: unknown, viewer: Viewer) => Promise<Message>;
}

interface Step {
  event: unknown;
  message: Message;
  /** What came then; undefined of the last, and of those that are kept no more. */
  next?: Step;
}

/** A class, since there are thousands: they share their methods. */
class Follower {
  readonly viewer: Viewer;
  readonly listener: Listener;
  readonly #mask: (error: unknown) => GraphQLError;
  readonly #ended: () => void;
  /** What ends the following, as it is at present. */
  leaves: { leave(follower: Follower): void } | undefined;
  /** Of those who go on together: what was told last. */
  at: Step | undefined;
  /** Whether it has not taken yet what was told last. */
  busy = false;
  taken: () => void = () => undefined;
  left = false;

  constructor(viewer: Viewer, listener: Listener, { mask, started }: BroadcastsOptions) {
    this.viewer = viewer;
    this.listener = listener;
    this.#mask = mask;
    this.#ended = started();
  }

  /** Nothing comes any more. */
  end(...why: unknown[]): void {
    this.#ended();
    this.listener.ended(...why.map(this.#mask));
  }

  leave(): void {
    if (this.left) return;
    this.left = true;
    this.#ended();
    this.leaves?.leave(this);
  }
}

interface Broadcast {
  isAt(event: unknown): boolean;
  /** Takes in whoever has been told the last message. */
  add(follower: Follower): void;
}

interface BroadcastOptions {
  /** Whose source is read on from. */
  asked: Asked;
  source: Course<unknown>;
  first: Step;
  /** Goes on with one who cannot go with the others. */
  goAlone: (asked: Asked, follower: Follower) => void;
  /** Called once: it takes nobody in any more. */
  over: () => void;
}

/** Follows for the listener, who has been told nothing yet. Returns what ends that. */
export type Follow = (asked: Asked, listener: Listener) => () => void;

export interface BroadcastsOptions {
  /** What clients are told of an error. */
  mask: (error: unknown) => GraphQLError;
  /** One more follows; what it returns is called when it does not any more. */
  started: () => () => void;
}

export function createBroadcasts(options: BroadcastsOptions): Follow {
  const broadcasts = new Map<string, Broadcast>();

  async function tellAlone(asked: Asked, follower: Follower): Promise<void> {
    const { source } = asked;
    follower.leaves = { leave: () => void source.return?.() };
    for (;;) {
      const { done, value: event }: IteratorResult<unknown> = await source.next();
      if (follower.left) return;
      if (done) return follower.end();
      const message = await asked.answer(event, asked.viewer);
      if (follower.left) return;
      await new Promise<void>((taken) => follower.listener.tell(message, taken));
      if (follower.left || (!message.personal && isCourse(source) && join(source, event, message))) return;
    }

    function join(course: Course<unknown>, event: unknown, message: Message): boolean {
      const { question } = asked;
      const present = broadcasts.get(question);
      if (present?.isAt(event) === false) return false;
      if (present) void course.return?.();
      const broadcast =
        present ??
        createBroadcast({
          asked,
          source: course,
          first: { event, message },
          goAlone,
          over: () => void broadcasts.delete(question),
        });
      broadcasts.set(question, broadcast);
      broadcast.add(follower);
      return true;
    }
  }

  function goAlone(asked: Asked, follower: Follower): void {
    tellAlone(asked, follower).catch((error: unknown) => {
      if (!follower.left) follower.end(error);
    });
  }

  return (asked, listener) => {
    const follower = new Follower(asked.viewer, listener, options);
    goAlone(asked, follower);
    return () => follower.leave();
  };
}

function createBroadcast({ asked, source, first, goAlone, over }: BroadcastOptions): Broadcast {
  const followers = new Set<Follower>();
  let head = first;
  let oldest = first;
  let [kept, length] = [1, first.message.text.length];
  let reading = false;
  /** Why nobody is taken in any more. */
  let end: 'left' | 'apart' | { error?: unknown } | null = null;

  function close(why: NonNullable<typeof end>): void {
    if (end) return;
    end = why;
    over();
    if (typeof why === 'string') void source.return?.();
  }

  function append(step: Step): void {
    head.next = step;
    head = step;
    kept += 1;
    length += step.message.text.length;
    while (oldest.next && (kept > MOST_KEPT || length > LONGEST_KEPT)) {
      const { next, message } = oldest;
      delete oldest.next;
      oldest = next;
      kept -= 1;
      length -= message.text.length;
    }
  }

  async function readOn(): Promise<void> {
    try {
      const { done, value: event }: IteratorResult<unknown> = await source.next();
      const message = done ? null : await asked.answer(event, asked.viewer);
      if (!message) close({});
      else if (message.personal) close('apart'); // What comes is not the same for all.
      else append({ event, message });
    } catch (error) {
      close({ error });
    }
    reading = false;
    for (const follower of followers) goOn(follower);
  }

  function goOn(follower: Follower): void {
    const { at = head, busy } = follower;
    if (busy) return;
    if (at.next) {
      follower.at = at.next;
      follower.busy = true;
      follower.listener.tell(at.next.message, follower.taken);
    } else if (end === 'apart' || at !== head) {
      remove(follower);
      goAlone({ ...asked, source: source.after(at.event), viewer: follower.viewer }, follower);
    } else if (end instanceof Object) {
      remove(follower);
      follower.end(...('error' in end ? [end.error] : []));
    } else if (!reading) {
      reading = true;
      void doApart(readOn);
    }
  }

  function remove(follower: Follower): void {
    followers.delete(follower);
    follower.at = undefined;
    if (followers.size === 0) close('left');
  }

  const leaves = { leave: remove };
  return {
    isAt: (event) => source.placeOf(event) === source.placeOf(head.event),
    add(follower) {
      follower.at = head;
      follower.busy = false;
      follower.taken = () => {
        follower.busy = false;
        if (followers.has(follower)) goOn(follower);
      };
      follower.leaves = leaves;
      followers.add(follower);
      goOn(follower);
    },
  };
}
