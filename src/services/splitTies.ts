/** What belongs together among examples that are to be split, worked out one example after the other. */
import type { SplitGroup } from '../generated/prisma/client.ts';
import { summaryOf } from './exampleSummary.ts';
import { readMessages } from './jsonl.ts';
import { createGroups, divide, orderKey, sameText, type Division } from './split.ts';

export interface TiedExample {
  /** As they will be written. */
  messages: unknown;
  callId: string | null;
  callerNumber: string | null;
}

/** Takes `size` examples in the order of their lines. Only ids and hashes are held. */
export function createTies(size: number, { seed, groupBy }: { seed: number; groupBy: SplitGroup }) {
  const groups = createGroups(size);
  const content = new Float64Array(size);
  const seeded = new Float64Array(size);
  let index = 0;
  return {
    add({ messages, callId, callerNumber }: TiedExample): void {
      const { userMessage, assistantResponse } = summaryOf(readMessages(messages));
      const text = sameText(userMessage, assistantResponse);
      content[index] = orderKey(text);
      seeded[index] = orderKey(String(seed), text);
      groups.joinByName(index, 'SAME_TEXT', String(content[index]));
      if (callId !== null) groups.joinByName(index, 'CALL', callId);
      if (groupBy === 'PHONE_NUMBER' && callerNumber !== null)
        groups.joinByName(index, 'PHONE_NUMBER', callerNumber);
      index += 1;
    },
    joinNearDuplicates(found: readonly number[][]): void {
      for (const [first = 0, ...others] of found) {
        for (const other of others) groups.join(first, other, 'NEAR_DUPLICATE');
      }
    },
    divide: (share: number): Division => divide(groups, content, seeded, share),
  };
}
