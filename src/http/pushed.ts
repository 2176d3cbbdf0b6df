/** Something that is followed as graphql-ws wants it, which has nothing to do but to wait for the end. */
import type { Asked, Follow, Listener } from './broadcasts.ts';
import type { Message } from './messages.ts';
import type { ServedSocket } from './protocolSocket.ts';

const OVER = { done: true, value: undefined } as const;

/**
 * It begins when it is first asked, for whom has left by then is not told anything. A class, since there are thousands:
 * they share their methods.
 */
export class Pushed implements AsyncGenerator<never, undefined, undefined>, Listener {
  /** Not kept once it has begun: it holds what the one who asks has for himself. */
  #waiting: Asked | undefined;
  readonly #follow: Follow;
  readonly #socket: ServedSocket;
  readonly #start: string;
  #leave: (() => void) | undefined;
  #settle: { resolve: (over: typeof OVER) => void; reject: (error: unknown) => void } | undefined;

  /** `start`: what stands before each message. */
  constructor(asked: Asked, follow: Follow, socket: ServedSocket, start: string) {
    this.#waiting = asked;
    this.#follow = follow;
    this.#socket = socket;
    this.#start = start;
  }

  next(): Promise<typeof OVER> {
    return new Promise((resolve, reject) => {
      const asked = this.#waiting;
      if (!asked) return resolve(OVER);
      this.#waiting = undefined;
      this.#settle = { resolve, reject };
      this.#leave = this.#follow(asked, this);
    });
  }

  tell({ text }: Message, taken: () => void): void {
    this.#socket.push(`${this.#start}${text}}`, taken);
  }

  ended(error?: unknown): void {
    if (error === undefined) this.#settle?.resolve(OVER);
    else this.#settle?.reject(error);
  }

  async return(): Promise<typeof OVER> {
    await this.#waiting?.source.return?.();
    this.#waiting = undefined;
    this.#leave?.();
    this.ended();
    return OVER;
  }

  async throw(error: unknown): Promise<never> {
    await this.return();
    throw error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
