/** How long others wait while a server is at work. */
import { setTimeout as after } from 'node:timers/promises';
import { percentile } from '../soak/soak.ts';

/** Requests a second. */
const RATE = 40;

export interface Waits {
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
  requests: number;
}

/**
 * Asks at a steady rate until `work` is done, and tells how long the answers took: from when each request was due, so
 * that one which is sent late because the one before stood still has waited, too.
 */
export async function waitsMeanwhile(
  work: () => Promise<unknown>,
  ask: () => Promise<unknown>,
): Promise<Waits> {
  for (let n = 0; n < RATE; n += 1) await ask(); // Warm, as a server is that has been asked before.
  let over = false;
  const working = work().finally(() => (over = true));
  const waits: number[] = [];
  const failures: unknown[] = [];
  const underWay: Promise<void>[] = [];
  const began = performance.now();
  for (let n = 0; !over; n += 1) {
    const due = began + (n * 1000) / RATE;
    const early = due - performance.now();
    if (early > 0) await Promise.race([after(early), working]);
    if (over && waits.length > 0) break;
    const asked = ask().then(
      () => void waits.push(performance.now() - due),
      (error: unknown) => void failures.push(error),
    );
    underWay.push(asked);
  }
  await Promise.all([working, ...underWay]);
  if (failures.length > 0) throw new Error(`${failures.length} queries failed`, { cause: failures[0] });
  return {
    p50Ms: percentile(waits, 50),
    p99Ms: percentile(waits, 99),
    maxMs: percentile(waits, 100),
    requests: waits.length,
  };
}
