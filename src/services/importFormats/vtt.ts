/** One call as WebVTT: cues with voice tags. */
import type { SpeakerReader } from '../turns.ts';
import { shown } from './faults.ts';
import { createByteStore, decodeLine } from './lines.ts';
import type { ByteSource, RowFault, RowRead } from './types.ts';
import { readCue } from './vttCue.ts';

/** 10 MiB: a day of talk. */
export const DEFAULT_MAX_VTT_BYTES = 10_485_760;

export interface VttOptions {
  /** The call's id, which the file itself does not hold (its name does, as a rule). */
  callSid: string;
  /** Tells which side a voice is. */
  reader: SpeakerReader;
  /** What else is known of the call (`created_at`, `direction`, …), added to the row as it is. */
  details?: Readonly<Record<string, unknown>>;
  /** The largest file allowed, in bytes. Default: 10 MiB. */
  maxBytes?: number;
}

interface TurnRow {
  speaker: string;
  text: string;
  start_ms: number;
}

const TIMING =
  /^[ \t]*(?:(\d{2,9}):)?([0-5]\d):([0-5]\d)\.(\d{3})[ \t]*-->[ \t]*(?:(\d{2,9}):)?([0-5]\d):([0-5]\d)\.(\d{3})(?:[ \t]|$)/;

/** Start and end of a cue in milliseconds; null when the line is not a timing. */
function parseTiming(line: string): { start: number; end: number } | null {
  const found = TIMING.exec(line);
  if (found === null) return null;
  const part = (index: number): number => Number(found[index] ?? 0);
  const time = (from: number): number =>
    ((part(from) * 60 + part(from + 1)) * 60 + part(from + 2)) * 1000 + part(from + 3);
  return { start: time(1), end: time(5) };
}

async function readAll(body: ByteSource, maxBytes: number): Promise<Buffer | null> {
  const store = createByteStore();
  for await (const chunk of body) {
    if (store.length + chunk.length > maxBytes) return null;
    store.append(chunk);
  }
  return store.view();
}

interface Block {
  /** The physical line, counted from 1, of the first of `lines`. */
  line: number;
  lines: string[];
}

/** Lines between blank lines; a timing line also begins a new block (with the id before it, where it has one). */
function splitBlocks(lines: readonly string[]): Block[] {
  const blocks: Block[] = [];
  let block: Block | null = null;
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') {
      block = null;
      continue;
    }
    const timed: boolean = block !== null && block.lines.some((before) => before.includes('-->'));
    if (block === null || (timed && line.includes('-->'))) {
      block = { line: index + 1, lines: [] };
      blocks.push(block);
    }
    block.lines.push(line);
  }
  return blocks;
}

const isAside = (block: Block): boolean => /^(?:NOTE|STYLE|REGION)(?:[ \t]|$)/.test(block.lines[0] ?? '');

type Parsed = { row: Record<string, unknown> } | { fault: RowFault };

const refusal = (line: number, field: string | null, reason: string): { fault: RowFault } => ({
  fault: { line, field, reason },
});

function parseVtt(text: string, reader: SpeakerReader): Parsed {
  const lines = text.split(/\r\n|\r|\n/);
  if (!/^WEBVTT(?:[ \t]|$)/.test(lines[0] ?? ''))
    return refusal(1, null, `must begin with WEBVTT, not ${shown(lines[0])}`);

  const [header, ...blocks] = splitBlocks(lines);
  // What stands right below WEBVTT is metadata, unless it is a cue that was not set off by a blank line.
  const timing = header?.lines.findIndex((line) => line.includes('-->')) ?? -1;
  if (header !== undefined && timing > 0)
    blocks.unshift({ line: header.line + timing, lines: header.lines.slice(timing) });

  const turns: TurnRow[] = [];
  const plain: string[] = [];
  let voices = false;
  let lastEnd = 0;
  for (const block of blocks) {
    if (isAside(block)) continue;
    const at = block.lines.findIndex((line) => line.includes('-->'));
    const line = block.line + Math.max(at, 0);
    // A player drops what it cannot place; here that would lose words of the call without telling anyone.
    if (at === -1 || at > 1)
      return refusal(line, null, `must be part of a cue, but has no time: ${shown(block.lines[0])}`);
    const time = parseTiming(block.lines[at] ?? '');
    if (time === null) {
      const rule = 'must be a time such as 00:01.000 --> 00:02.500';
      return refusal(line, null, `${rule}, not ${shown(block.lines[at])}`);
    }
    lastEnd = Math.max(lastEnd, time.end);

    for (const part of readCue(block.lines.slice(at + 1).join(' '))) {
      if (part.text !== '') plain.push(part.text);
      if (part.voice === null) {
        // Words before the first voice of the file belong to no turn, as in a transcript.
        const last = turns.at(-1);
        if (last !== undefined && part.text !== '') last.text = `${last.text} ${part.text}`.trim();
        continue;
      }
      voices = true;
      const speaker = reader.speakerOf(part.voice);
      if (speaker === null) {
        const { caller, agent } = reader.labels;
        const known = `a known speaker (caller: ${caller.join(', ')}; agent: ${agent.join(', ')})`;
        return refusal(line, `turns[${turns.length}].speaker`, `must be ${known}, not ${shown(part.voice)}`);
      }
      turns.push({ speaker, text: part.text, start_ms: time.start });
    }
  }
  const duration = Math.ceil(lastEnd / 1000);
  // Without any voice the words are kept as text, where `Customer:` at the start of a cue may still tell the sides.
  if (!voices && plain.length > 0) {
    return { row: { transcript_text: plain.join('\n'), duration_seconds: duration } };
  }
  return { row: { turns: turns.filter((turn) => turn.text !== ''), duration_seconds: duration } };
}

/**
 * Reads a WebVTT file as one call: yields exactly one row, on line 1, with `call_sid`, `turns` (speaker caller or
 * agent, text, start_ms in milliseconds), `duration_seconds` (the last end, rounded up) and the `details`, or one
 * fault with the line it is on. A file whose cues name no voice has `transcript_text` instead of turns.
 */
export async function* readVtt(body: ByteSource, options: VttOptions): AsyncGenerator<RowRead> {
  const maxBytes = options.maxBytes ?? DEFAULT_MAX_VTT_BYTES;
  const bytes = await readAll(body, maxBytes);
  const text = bytes === null ? null : decodeLine(bytes);
  let parsed: Parsed;
  if (bytes === null) parsed = refusal(1, null, `is longer than the ${maxBytes} bytes a file may have`);
  else if (text === null) parsed = refusal(1, null, 'is not valid UTF-8');
  else parsed = parseVtt(text.replace(/^\u{FEFF}/u, ''), options.reader);
  if ('fault' in parsed) yield { line: parsed.fault.line, error: parsed.fault };
  else yield { line: 1, value: { ...options.details, call_sid: options.callSid, ...parsed.row } };
}
