/** What the thread does: scans, redacts and inspects. Pure but for what it remembers. */
import { textsOf, withTexts, type PlacedText } from './conversation.ts';
import { countByKind, type CountByKind, type Finding } from './kinds.ts';
import { searchConversation, type Search } from './dialogue.ts';
import { redactTexts } from './redact.ts';
import { searchStored, type StoredFinding } from './storedText.ts';

export interface StoredExample {
  messages: unknown;
  tools: unknown;
}

/** A finding in an example, `start` and `end` in UTF-16 code units of the text at `path`. */
export interface PlacedFinding extends Finding {
  path: string;
}

/** Wordings of one conversation: what is exported of it, and what that is compared with. */
export interface Conversation {
  systemPrompt: string | null;
  /** The messages of each wording. */
  wordings: unknown[];
}

export interface RedactedConversation extends Conversation {
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
  /** With placeholders, the same in all wordings; what tools are offered is left. */
  redact(conversation: Conversation): RedactedConversation;
  /** What is found in the line of a training file, read as JSON reads it; null when nothing is. */
  inspect(line: string): LineFindings | null;
}

const NAME_PATH = /^messages\[\d+\]\.name$/;
/** How many code units of texts are remembered with what was found in them. */
const REMEMBERED = 4_000_000;

export function createWork(): Work {
  const search = remembering((text) => searchStored(text), REMEMBERED);
  const scan = (example: StoredExample): PlacedFinding[] => placedIn([...textsOf(example)], search);
  return {
    scan,
    redact(conversation) {
      const { systemPrompt, wordings } = conversation;
      const placed = wordings.flatMap((messages) => [...textsOf({ messages, tools: null })]);
      const { texts, replaced } = redactTexts(
        [systemPrompt ?? '', ...placed.map(({ text }) => text)],
        search,
      );
      if (Object.keys(replaced).length === 0) return { ...conversation, replaced };
      const rest = texts.slice(1).map((text, index) =>
        // A speaker's name may hold no brackets.
        NAME_PATH.test(placed[index]?.path ?? '') ? text.replaceAll(/[[\]]/g, '') : text,
      );
      const next = rest.values();
      return {
        systemPrompt: systemPrompt === null ? null : (texts[0] ?? null),
        wordings: wordings.map((messages) => withTexts(messages, () => next.next().value ?? '')),
        replaced,
      };
    },
    inspect(line) {
      // A line is an object: its own keys stand where `messages` is put before them.
      const texts = [...textsOf({ messages: readLine(line), tools: null })];
      const found = placedIn(
        texts.map(({ path, text }) => ({ path: path.replace(/^messages\.?/, ''), text })),
        search,
      );
      const [first] = found;
      return first ? { counts: countByKind(found), path: first.path } : null;
    },
  };
}

function placedIn(texts: PlacedText[], search: Search): PlacedFinding[] {
  const found = searchConversation(
    texts.map(({ text }) => text),
    search,
  );
  return texts.flatMap(({ path }, index) =>
    (found[index] ?? []).map(({ kind, start, end, rule }) => ({ path, kind, start, end, rule })),
  );
}

/** A line as its reader decodes it: JSON, or a row of CSV, whose quotes are doubled. */
function readLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return line.replaceAll('""', '"');
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
