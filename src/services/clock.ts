/** What time it is, handed in wherever a date decides something, so that a test can move it. */
import { noteMoment } from '../db/sources.ts';

export interface Clock {
  now(): Date;
}

/** The same clock, whose time makes an answer one of the moment. */
export function notedClock(clock: Clock): Clock {
  return {
    now() {
      noteMoment();
      return clock.now();
    },
  };
}

export const systemClock: Clock = { now: () => new Date() };
