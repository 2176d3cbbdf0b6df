import { z } from 'zod';

/** The fault of a string that PostgreSQL cannot store, or null. */
export function unstorable(text: string): string | null {
  if (text.includes('\u0000')) return 'holds a NUL character, which cannot be stored';
  return text.isWellFormed() ? null : 'holds half of a surrogate pair, which is not valid Unicode';
}

/** A trimmed text of at most `max` characters that the database can store. */
export function storableText(what: string, max: number) {
  return z
    .string()
    .trim()
    .superRefine((text, context) => {
      const fault =
        text.length > max ? `may have at most ${max} characters and has ${text.length}` : unstorable(text);
      if (fault !== null) context.addIssue({ code: 'custom', message: `${what} ${fault}` });
    });
}

/** The condition that a column contains the text, in any case; the text's `%`, `_` and `\` are no wildcards. */
export function containing(text: string) {
  return { contains: text.replaceAll(/[\\%_]/g, String.raw`\$&`), mode: 'insensitive' as const };
}
