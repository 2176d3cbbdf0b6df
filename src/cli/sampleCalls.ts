/**
 * Calls for a first look: made up from templates, the same ones every time. Names, numbers and places are invented;
 * the telephone numbers are from the range that is kept free for fiction.
 */
import { ERRANDS } from './sampleErrands.ts';
import type { Exchange, Story } from './sampleStory.ts';
import { TROUBLES } from './sampleTroubles.ts';

/** A call as POST /import/call-transcriptions takes it. */
export interface SampleCall {
  call_sid: string;
  phone_number: string;
  direction: 'inbound' | 'outbound';
  call_status: string;
  created_at: string;
  duration_seconds: number;
  transcript_confidence: number | null;
  topic: string;
  turns: { speaker: 'caller' | 'agent'; text: string; start_ms: number }[];
}

export const SAMPLE_SIZE = 120;
const STORIES = [...ERRANDS, ...TROUBLES];
const SEED = 20_261_122;
const FIRST_CALL = Date.UTC(2026, 8, 1, 8, 0, 0);
/** Milliseconds that saying a character takes, as people speak. */
const MS_A_CHARACTER = 62;

const AREAS = ['212', '312', '415', '512', '617'];

type Random = () => number;

/** Mulberry32: small, fast, and the same on every machine. */
function createRandom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const pick = (random: Random, list: readonly string[]): string =>
  list[Math.floor(random() * list.length)] ?? '';

/** The sample: mostly good calls, some misheard, a few that nobody answered, that broke off or that nobody scored. */
export function sampleCalls(): SampleCall[] {
  const random = createRandom(SEED);
  return Array.from({ length: SAMPLE_SIZE }, (_, index) => {
    const story = STORIES[index % STORIES.length];
    if (story === undefined) throw new Error('There are no stories to make calls of');
    return createCall(random, story, index);
  });
}

function createCall(random: Random, story: Story, index: number): SampleCall {
  const answered = index % 30 !== 17;
  const brokenOff = index % 40 === 23;
  const scored = index % 48 !== 11;
  const turns = answered ? converse(random, story) : [];
  const kept = brokenOff ? turns.slice(0, 1).filter(({ speaker }) => speaker === 'agent') : turns;
  const last = kept.at(-1);
  const seconds =
    last === undefined ? 0 : Math.ceil((last.start_ms + last.text.length * MS_A_CHARACTER) / 1000);
  // Three calls in four are understood well, the rest not well enough to learn from.
  const confidence = random() < 0.75 ? 0.8 + random() * 0.19 : 0.6 + random() * 0.19;
  const hex = Math.floor(random() * 4_294_967_296)
    .toString(16)
    .padStart(8, '0');
  return {
    call_sid: `CAsample${String(index + 1).padStart(4, '0')}${hex}`,
    phone_number: `+1${pick(random, AREAS)}55501${String(Math.floor(random() * 100)).padStart(2, '0')}`,
    direction: random() < 0.9 ? 'inbound' : 'outbound',
    call_status: answered ? 'completed' : 'no-answer',
    created_at: new Date(
      FIRST_CALL + index * 47 * 60_000 + Math.floor(random() * 1_200) * 1000,
    ).toISOString(),
    duration_seconds: seconds,
    transcript_confidence: answered && scored ? Math.round(confidence * 100) / 100 : null,
    topic: story.topic,
    turns: kept,
  };
}

/** A greeting, three to five exchanges, and a goodbye: 8 to 13 turns, or 6 when there is little to say. */
function converse(random: Random, story: Story): SampleCall['turns'] {
  const values = new Map(Object.entries(story.values).map(([name, list]) => [name, pick(random, list)]));
  const fill = (text: string) =>
    text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => values.get(name) ?? whole);
  const turns: SampleCall['turns'] = [];
  let clock = 0;
  const say = (speaker: 'caller' | 'agent', variants: readonly string[]) => {
    const text = fill(pick(random, variants));
    turns.push({ speaker, text, start_ms: clock });
    clock += text.length * MS_A_CHARACTER + 300 + Math.floor(random() * 900);
  };
  say('agent', story.greeting);
  const exchanges: Exchange[] = story.exchanges.filter(({ chance = 1 }) => random() < chance);
  for (const { caller, agent } of exchanges) {
    say('caller', caller);
    say('agent', agent);
  }
  say('caller', story.thanks);
  if (random() < 0.8) say('agent', story.goodbye);
  return turns;
}
