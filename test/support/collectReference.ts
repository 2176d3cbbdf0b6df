/** What collecting has to give, by the plainest code that says it: nothing here is shared with src/. */
import { readShared } from './calls.ts';

export interface ReferenceCall {
  call_sid: string;
  direction?: string;
  call_status?: string;
  created_at: string;
  transcript_confidence: number | null;
  topic?: string;
  turns: { speaker: string; text: string; confidence?: number | null }[];
}

export interface ReferenceInput {
  minConfidence?: number;
  maxExamples?: number;
  minMessageLength?: number;
  strategy?: 'PAIR' | 'CONVERSATION';
  from?: string;
  to?: string;
  direction?: 'INBOUND' | 'OUTBOUND';
  topic?: string;
}

export interface ReferenceExample {
  messages: { role: string; content: string; weight?: number }[];
  callSid: string;
  confidence: number;
  firstTurn: number;
  lastTurn: number;
}

interface Block {
  speaker: string;
  text: string;
  first: number;
  last: number;
  sure: boolean;
}

export function sharedCalls(): ReferenceCall[] {
  const lines = readShared('calls.jsonl').toString().trim().split('\n');
  return lines.map((line) => JSON.parse(line) as ReferenceCall);
}

/** Collects from the calls; `present` are messages that the dataset holds already, as JSON, and is added to. */
export function referenceCollect(calls: ReferenceCall[], input: ReferenceInput, present = new Set<string>()) {
  const { minConfidence = 0.8, maxExamples = 100, minMessageLength = 20, strategy = 'PAIR' } = input;
  const skipped: Record<string, number> = {};
  const skip = (reason: string, count: number) => {
    if (count > 0) skipped[reason] = (skipped[reason] ?? 0) + count;
  };
  const long = (text: string) => Array.from(text).length > minMessageLength;

  const selected = calls.filter(
    (call) =>
      (!input.from || new Date(call.created_at) >= new Date(input.from)) &&
      (!input.to || new Date(call.created_at) < new Date(input.to)) &&
      (!input.direction || call.direction?.toUpperCase() === input.direction) &&
      (!input.topic || call.topic === input.topic),
  );
  const fit = [];
  for (const call of selected) {
    const { transcript_confidence: confidence } = call;
    if ((call.call_status ?? 'completed') !== 'completed') skip('NOT_COMPLETED', 1);
    else if (confidence === null) skip('NO_CONFIDENCE', 1);
    else if (confidence < minConfidence) skip('LOW_CONFIDENCE', 1);
    else fit.push({ ...call, confidence });
  }
  fit.sort(
    (a, b) =>
      b.confidence - a.confidence ||
      new Date(a.created_at).getTime() - new Date(b.created_at).getTime() ||
      (a.call_sid < b.call_sid ? -1 : 1),
  );

  const examples: ReferenceExample[] = [];
  let considered = 0;
  let alreadyThere = 0;
  for (const call of fit) {
    if (examples.length === maxExamples) break;
    const blocks = blocksOf(call, minConfidence);
    if (new Set(blocks.map(({ speaker }) => speaker)).size < 2) {
      skip('ONE_SIDED', 1);
      continue;
    }
    considered += 1;
    const pairs: Block[][] = [];
    for (let index = 0; index + 1 < blocks.length; index += 1) {
      const pair = blocks.slice(index, index + 2);
      if (pair[0]?.speaker === 'caller') pairs.push(pair);
    }
    const kept = pairs.filter((pair) => pair.every(({ text }) => long(text)));
    let found = kept;
    if (strategy === 'PAIR') {
      skip('TOO_SHORT', pairs.length - kept.length);
      found = kept.filter((pair) => pair[1]?.sure);
      skip('LOW_TURN_CONFIDENCE', kept.length - found.length);
    } else if (kept.length > 0) {
      const speakers = blocks.map(({ speaker }) => speaker);
      const whole = blocks.slice(speakers.indexOf('caller'), speakers.lastIndexOf('agent') + 1);
      const learned = whole.filter(({ speaker, sure }) => speaker === 'agent' && sure);
      found = learned.length > 0 ? [whole] : [];
      skip('LOW_TURN_CONFIDENCE', 1 - found.length);
    } else {
      skip('TOO_SHORT', pairs.length > 0 ? 1 : 0);
    }
    for (const conversation of found) {
      if (examples.length === maxExamples) break;
      const messages = conversation.map(({ speaker, text, sure }) => ({
        role: speaker === 'caller' ? 'user' : 'assistant',
        content: text,
        ...(speaker === 'agent' && !sure && { weight: 0 }),
      }));
      const key = JSON.stringify(messages);
      if (present.has(key)) {
        alreadyThere += 1;
        continue;
      }
      present.add(key);
      examples.push({
        messages,
        callSid: call.call_sid,
        confidence: call.confidence,
        firstTurn: conversation[0]?.first ?? -1,
        lastTurn: conversation.at(-1)?.last ?? -1,
      });
    }
  }
  return { examples, added: examples.length, alreadyThere, considered, skipped };
}

/** Neighbouring turns of one side, trimmed and joined. Turns without words are not there: an import drops them. */
function blocksOf({ turns }: ReferenceCall, minConfidence: number): Block[] {
  const blocks: Block[] = [];
  const spoken = turns
    .map(({ speaker, text, confidence }) => ({
      speaker,
      text: text.trim(),
      sure: (confidence ?? 1) >= minConfidence,
    }))
    .filter(({ text }) => text !== '');
  for (const [index, { speaker, text, sure }] of spoken.entries()) {
    const last = blocks.at(-1);
    if (last?.speaker === speaker) {
      last.text += ` ${text}`;
      last.last = index;
      last.sure &&= sure;
    } else {
      blocks.push({ speaker, text, first: index, last: index, sure });
    }
  }
  return blocks;
}
