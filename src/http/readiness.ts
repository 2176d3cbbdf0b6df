/** Whether the server should be sent requests, and what stands in the way; why is for the log alone. */
import type { ServerResponse } from 'node:http';
import type { Logger } from '../log.ts';
import { respondJson } from './respond.ts';

/** What a server cannot work without. Each rejects when it is not there. */
export type ReadinessChecks = Readonly<Record<'database' | 'migrations' | 'store', () => Promise<void>>>;

export interface Readiness {
  answer(response: ServerResponse): Promise<void>;
  /** From here on it is not ready, so that nobody is sent here any more. */
  leave(): void;
}

/** A probe gives up after a few seconds; an answer that comes later would say nothing. In milliseconds. */
const LIMIT = 2_000;

type State = Record<keyof ReadinessChecks, 'ok' | 'failed'>;

export function createReadiness(checks: ReadinessChecks, log: Logger): Readiness {
  let leaving = false;
  let told = '';

  async function look(): Promise<State> {
    const state: State = { database: 'ok', migrations: 'ok', store: 'ok' };
    const faults: Partial<Record<keyof State, unknown>> = {};
    const lookAt = async (name: keyof State) => {
      try {
        await withinLimit(checks[name]());
      } catch (error) {
        state[name] = 'failed';
        faults[name] = error;
      }
    };
    await Promise.all([lookAt('database'), lookAt('migrations'), lookAt('store')]);
    tell(state, faults);
    return state;
  }

  /** Once a change: probes come every few seconds. */
  function tell(state: State, faults: Partial<Record<keyof State, unknown>>): void {
    const now = JSON.stringify(state);
    if (now === told) return;
    const failed = Object.entries(faults);
    for (const [check, err] of failed) log.error({ check, err }, 'The server is not ready');
    if (failed.length === 0 && told !== '') log.info('The server is ready again');
    told = now;
  }

  return {
    async answer(response) {
      response.setHeader('Cache-Control', 'no-store');
      if (leaving) return respondJson(response, 503, { status: 'not ready', reason: 'shutting down' });
      const state = await look();
      const failed = Object.entries(state).filter(([, one]) => one !== 'ok');
      if (failed.length === 0) return respondJson(response, 200, { status: 'ready', checks: state });
      const reason = failed.map(([name]) => name).join(', ');
      respondJson(response, 503, { status: 'not ready', reason, checks: state });
    },
    leave() {
      leaving = true;
    },
  };
}

async function withinLimit(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`No answer within ${LIMIT} ms`)), LIMIT);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
