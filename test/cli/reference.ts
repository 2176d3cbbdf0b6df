/** What a collection must find, computed from the files by code that shares nothing with the service. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';

export interface ReferenceCall {
  sid: string;
  completed: boolean;
  confidence: number | null;
  said: { who: 'caller' | 'agent'; text: string }[];
}

const jsonCall = z.object({
  call_sid: z.string(),
  call_status: z.string(),
  transcript_confidence: z.number().nullish(),
  turns: z.array(z.object({ speaker: z.enum(['caller', 'agent']), text: z.string() })).nullish(),
});

export function callsOfJsonl(text: string): ReferenceCall[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const call = jsonCall.parse(JSON.parse(line));
      return {
        sid: call.call_sid,
        completed: call.call_status === 'completed',
        confidence: call.transcript_confidence ?? null,
        said: (call.turns ?? []).map(({ speaker, text: words }) => ({ who: speaker, text: words })),
      };
    });
}

export function callsOfCsv(path: string): ReferenceCall[] {
  const rows = z.array(z.record(z.string(), z.string())).parse(parse(readFileSync(path), { columns: true }));
  return rows.map((row) => ({
    sid: row['call_sid'] ?? '',
    completed: row['call_status'] === 'completed',
    confidence: row['transcript_confidence'] === '' ? null : Number(row['transcript_confidence']),
    said: (row['transcript_text'] ?? '')
      .split('\n')
      .filter((line) => /^(?:Customer|Agent):/.test(line))
      .map((line) => ({
        who: line.startsWith('Customer:') ? ('caller' as const) : ('agent' as const),
        text: line.slice(line.indexOf(':') + 1),
      })),
  }));
}

export function callsOfVtt(directory: string, confidence: number): ReferenceCall[] {
  return readdirSync(directory).map((name) => {
    const text = readFileSync(join(directory, name), 'utf8');
    const said = Array.from(text.matchAll(/<v ([^>]+)>([^<\n]*)/g), ([, voice = '', words = '']) => ({
      who: /^(?:customer|caller)$/i.test(voice) ? ('caller' as const) : ('agent' as const),
      text: words.replaceAll('&amp;', '&').replaceAll('&lt;', '<').replaceAll('&gt;', '>'),
    }));
    return {
      sid: name.replace(/\.vtt$/, ''),
      completed: true,
      confidence: said.length === 0 ? null : confidence,
      said,
    };
  });
}

/** How many calls count and how many different pairs they hold, for a confidence of at least 0.8. */
export function expectedOf(calls: readonly ReferenceCall[]): {
  calls: number;
  considered: number;
  examples: number;
} {
  const pairs = new Set<string>();
  let considered = 0;
  for (const { completed, confidence, said } of calls) {
    if (!completed || confidence === null || confidence < 0.8) continue;
    let script = '';
    for (const { who, text } of said) {
      if (text.trim() === '') continue;
      const mark = who === 'caller' ? '\u{E001}' : '\u{E002}';
      const lastMark = /[\u{E001}\u{E002}](?=[^\u{E001}\u{E002}]*$)/u.exec(script)?.[0];
      script += lastMark === mark ? ` ${text.trim()}` : `${mark}${text.trim()}`;
    }
    if (script.includes('\u{E001}') && script.includes('\u{E002}')) considered += 1;
    for (const [, question = '', answer = ''] of script.matchAll(
      /\u{E001}([^\u{E001}\u{E002}]+)\u{E002}([^\u{E001}\u{E002}]+)/gu,
    )) {
      if (codePoints(question) > 20 && codePoints(answer) > 20) pairs.add(JSON.stringify([question, answer]));
    }
  }
  return { calls: calls.length, considered, examples: pairs.size };
}

function codePoints(text: string): number {
  return Array.from(text).length;
}
