/** What the thread does: scans, redacts and inspects. Pure but for what it remembers. */
import { textsOf, withTexts } from './conversation.ts';
import { countByKind, type CountByKind, type Finding } from './kinds.ts';
import { redactTexts, type Search } from './redact.ts';
import { searchStored, type StoredFinding } from './storedText.ts';

export interface StoredExample {
  messages: unknown;
  tools: unknown;
}

/** A finding in an example, `start` and `end` in UTF-16 code units of the text at `path`. */
export interface PlacedFinding extends Finding {
  path: string;
}

export interface RedactedExample {
  messages: unknown;
  replaced: CountByKind;
}

/** What stood in a line of a training file. */
export interface LineFindings {
  counts: CountByKind;
  /** Where the first of them is. */
  path: string;
}

export interface Work {
  scan(example: StoredExample): PlacedFinding[];
  /** The messages with placeholders; tools are told to the model as they are, and are left. */
  redact(example: StoredExample): RedactedExample;
  /** What is found in the line of a training file, read as JSON reads it; null when nothing is. */
  inspect(line: string): LineFindings | null;
}

/** How many code units of texts are remembered with what was found in them. */
const REMEMBERED = 4_000_000;

export function createWork(): Work {
  const search = remembering(searchStored, REMEMBERED);
  const scan = (example: StoredExample): PlacedFinding[] =>
    [...textsOf(example)].flatMap(({ path, text }) =>
      search(text).map(({ kind, start, end, rule }) => ({ path, kind, start, end, rule })),
    );
  return {
    scan,
    redact({ messages }) {
      const texts = [...textsOf({ messages, tools: null })];
      const redacted = redactTexts(
        texts.map(({ text }) => text),
        search,
      );
      if (Object.keys(redacted.replaced).length === 0) return { messages, replaced: {} };
      const next = redacted.texts.values();
      let index = 0;
      const text = (): string => {
        const wording = next.next().value ?? '';
        // A speaker's name may hold no brackets.
        const isName = /^messages\[\d+\]\.name$/.test(texts[index]?.path ?? '');
        index += 1;
        return isName ? wording.replaceAll(/[[\]]/g, '') : wording;
      };
      return { messages: withTexts(messages, text), replaced: redacted.replaced };
    },
    inspect(line) {
      const found = [...placedIn(line)];
      const [first] = found;
      return first ? { counts: countByKind(found), path: first.path } : null;
    },
  };

  function* placedIn(line: string): Generator<PlacedFinding> {
    const parsed: unknown = JSON.parse(line);
    for (const { path, text } of textsOf({ messages: parsed, tools: null })) {
      // A line is an object: its own keys stand where `messages` is put before them.
      for (const { kind, start, end, rule } of search(text))
        yield { path: path.replace(/^messages\./, ''), kind, start, end, rule };
    }
  }
}

/** The same texts come again and again: in redacting and inspecting, and from call to call. Old ones are forgotten. */
function remembering(search: Search, limit: number): Search {
  let young = new Map<string, StoredFinding[]>();
  let old = new Map<string, StoredFinding[]>();
  let size = 0;
  return (text) => {
    const known = young.get(text) ?? old.get(text);
    if (known && young.has(text)) return known;
    const findings = known ?? search(text);
    young.set(text, findings);
    size += text.length + 64;
    if (size > limit / 2) {
      old = young;
      young = new Map();
      size = 0;
    }
    return findings;
  };
}
