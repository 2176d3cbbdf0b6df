import { once } from 'node:events';
import { z } from 'zod';
import { ApiError, SERVER_ERROR, type Call, type Reply } from './http.ts';
import { RUN_ID_KEY } from './ledger.ts';
import type { Route } from './routes.ts';

/** What a fault can be aimed at, by method and path. */
const AIMS: Record<string, string> = {
  'POST /v1/files': 'upload',
  'POST /v1/fine_tuning/jobs': 'create',
  'GET /v1/fine_tuning/jobs': 'list',
  'GET /v1/fine_tuning/jobs/:id': 'get',
  'POST /v1/fine_tuning/jobs/:id/cancel': 'cancel',
  'GET /v1/fine_tuning/jobs/:id/events': 'events',
};

const probability = z.number().min(0).max(1);
const delay = z.number().min(0).max(30);

/** What goes wrong from now on. Nothing does that is left out. Probabilities are drawn anew for each request. */
export const faultPlan = z
  .strictObject({
    /** The connection is reset before anything is done. */
    reset: probability,
    /** Refusals before anything is done; the first of the list that is drawn and aimed at the request's route. */
    refuse: z.array(
      z.strictObject({
        probability,
        status: z.literal([409, 429, 500, 502, 503]),
        /** The error's code, such as 'insufficient_quota'; 'rate_limit_exceeded' for a 429 when left out. */
        code: z.string().optional(),
        /** The header Retry-After; none when left out. */
        retryAfterSeconds: z.int().min(0).optional(),
        /** 'any', when left out, is every route. */
        on: z.enum(['any', 'create', 'upload', 'list', 'get', 'cancel', 'events']).optional(),
      }),
    ),
    /** A job is made, but the connection reset instead of an answer. */
    dropCreateResponses: probability,
    /** A job is made, and then a 500 answered. */
    failAfter: probability,
    /** How long a new job stays out of the list of jobs, drawn once when it is made and kept whatever plan follows. */
    listDelaySeconds: z
      .strictObject({ min: delay, max: delay })
      .refine(({ min, max }) => min <= max, 'max must not be less than min'),
    /** Every job is made, and its request not answered until it is released. */
    holdCreate: z.boolean(),
    /** Every upload is taken up to its first bytes, and not read on until it is released. */
    holdUpload: z.boolean(),
  })
  .partial();

export type FaultPlan = z.infer<typeof faultPlan>;

/** A request that is not answered for now. */
export interface Held {
  held: 'create' | 'upload';
  /** The run a created job is for, when its metadata names one. */
  runId?: string;
}

/** Faults of one sandbox, for tests and for whoever kills its clients. Without a plan nothing goes wrong. */
export interface Faults {
  /** Replaces the plan; throws a ZodError for a wrong one. What is held stays held. */
  set(plan: FaultPlan): void;
  /** Tells of each request when it is held; the function that is returned ends it. */
  onHeld(listener: (held: Held) => void): () => void;
  /**
   * How many requests are held now. One whose client left is no more: its job stays, its upload leaves no file. But
   * that the client of a large upload left is seen only when the rest is read, which is when it is released.
   */
  holding(): number;
  /** Lets what is held now go on, and says how many requests that were. */
  releaseHeld(): number;
  /** Answers a request with its route, or goes wrong on the way. The server's side, like `listed`. */
  answer(route: Route, call: Call, now: () => number): Promise<Reply>;
  /** Whether a job is to be seen in the list of jobs at a time, in milliseconds since 1970. */
  listed(jobId: string, at: number): boolean;
}

/** `random` yields numbers from 0 up to but not including 1, as Math.random does. */
export function createFaults({ random = Math.random }: { random?: () => number } = {}): Faults {
  let plan: FaultPlan = {};
  const listeners = new Set<(held: Held) => void>();
  const held = new Set<() => void>();
  const listedFrom = new Map<string, number>();
  const drawn = (chance: number | undefined) => chance !== undefined && random() < chance;

  /** Resolves when released, or when the client leaves. */
  async function hold(what: Held, { request: { socket } }: Call): Promise<void> {
    if (socket.destroyed) return;
    await new Promise<void>((resolve) => {
      function release() {
        socket.off('close', release);
        held.delete(release);
        resolve();
      }
      socket.once('close', release);
      held.add(release);
      for (const listener of listeners) listener(what);
    });
  }

  async function create(route: Route, call: Call, now: () => number): Promise<Reply> {
    const reply = await route.handle(call);
    const job = madeJob.parse(reply.kind === 'json' ? reply.json : undefined);
    if (plan.listDelaySeconds !== undefined) {
      const { min, max } = plan.listDelaySeconds;
      listedFrom.set(job.id, now() + (min + random() * (max - min)) * 1000);
    }
    const runId = job.metadata?.[RUN_ID_KEY];
    if (plan.holdCreate) await hold({ held: 'create', ...(runId !== undefined && { runId }) }, call);
    if (drawn(plan.dropCreateResponses)) return { kind: 'reset' };
    if (drawn(plan.failAfter)) throw new ApiError(500, SERVER_ERROR);
    return reply;
  }

  return {
    set(next) {
      plan = faultPlan.parse(next);
    },
    onHeld(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    holding: () => held.size,
    releaseHeld() {
      const all = [...held];
      for (const release of all) release();
      return all.length;
    },
    async answer(route, call, now) {
      const aim = AIMS[`${route.method} ${route.path}`];
      if (drawn(plan.reset)) return { kind: 'reset' };
      for (const { on = 'any', probability: chance, ...refusal } of plan.refuse ?? []) {
        if ((on === 'any' || on === aim) && drawn(chance)) return refused(refusal);
      }
      if (aim === 'create') return await create(route, call, now);
      if (aim === 'upload' && plan.holdUpload) {
        await once(call.request, 'readable');
        await hold({ held: 'upload' }, call);
      }
      return await route.handle(call);
    },
    listed: (jobId, at) => at >= (listedFrom.get(jobId) ?? -Infinity),
  };
}

const madeJob = z.object({ id: z.string(), metadata: z.record(z.string(), z.string()).nullable() });

const MESSAGES = {
  409: 'The resource is being changed by another request. Please try again.',
  429: 'Rate limit reached. Please try again later.',
  500: SERVER_ERROR,
  502: 'Bad gateway.',
  503: 'The server is currently overloaded. Please try again later.',
};

function refused(refusal: {
  status: keyof typeof MESSAGES;
  code?: string | undefined;
  retryAfterSeconds?: number | undefined;
}): Reply {
  const { status, retryAfterSeconds } = refusal;
  const code = refusal.code ?? (status === 429 ? 'rate_limit_exceeded' : undefined);
  const { error } = new ApiError(status, MESSAGES[status], { ...(code !== undefined && { code }) }).body();
  // The provider's 429 has a type of its own: 'requests', or the code where that says more.
  const type = status === 429 ? (refusal.code ?? 'requests') : error.type;
  return {
    kind: 'json',
    status,
    json: { error: { ...error, type } },
    ...(retryAfterSeconds !== undefined && { headers: { 'retry-after': String(retryAfterSeconds) } }),
  };
}
