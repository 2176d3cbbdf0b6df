/** Numbers that a state gives to a person. The check digits are stdnum's, the contexts our own. */
import * as au from 'stdnum/lib/cjs/au/tfn.js';
import * as br from 'stdnum/lib/cjs/br/cpf.js';
import * as ca from 'stdnum/lib/cjs/ca/sin.js';
import * as de from 'stdnum/lib/cjs/de/idnr.js';
import * as dni from 'stdnum/lib/cjs/es/dni.js';
import * as nie from 'stdnum/lib/cjs/es/nie.js';
import * as fr from 'stdnum/lib/cjs/fr/nir.js';
import * as gb from 'stdnum/lib/cjs/gb/nino.js';
import * as india from 'stdnum/lib/cjs/in/aadhaar.js';
import * as it from 'stdnum/lib/cjs/it/codicefiscale.js';
import * as nl from 'stdnum/lib/cjs/nl/bsn.js';
import * as pl from 'stdnum/lib/cjs/pl/pesel.js';
import * as se from 'stdnum/lib/cjs/se/personnummer.js';
import { after, before } from './context.ts';
import type { Finding } from './kinds.ts';
import { touchesLetters, type NumberRun } from './numbers.ts';

interface DigitsRule {
  rule: string;
  /** What the digits look like, without what stands between them. */
  digits: RegExp;
  valid: (digits: string) => boolean;
  /** What must be said near by, unless the form alone tells. */
  context: RegExp;
  /** How the number is written when its form alone tells. */
  form?: RegExp;
}

const valid =
  ({ validate }: { validate: (number: string) => { isValid: boolean } }) =>
  (number: string): boolean =>
    validate(number).isValid;

/** 000, 666 and a group of noughts were never given; 9xx are the tax numbers of those who have no social security. */
const isSocialSecurity = (digits: string): boolean => !/^(?:000|666)|^...00|0000$/.test(digits);

const DIGITS_RULES: DigitsRule[] = [
  {
    rule: 'us.ssn',
    digits: /^\d{9}$/,
    valid: isSocialSecurity,
    context: /\b(?:social(?! media| network| insurance)|ssn|itin|taxpayer)/,
    form: /^\d{3}([- ])\d{2}\1\d{4}$/,
  },
  {
    rule: 'de.idnr',
    digits: /^\d{11}$/,
    valid: valid(de),
    context: /steuer|idnr|tax id|tin\b/,
    form: /^\d{2} \d{3} \d{3} \d{3}$/,
  },
  { rule: 'fr.nir', digits: /^[1-478]\d{14}$/, valid: valid(fr), context: /(?:)/ },
  { rule: 'nl.bsn', digits: /^\d{8,9}$/, valid: valid(nl), context: /\bbsn\b|burgerservice|sofi/ },
  { rule: 'pl.pesel', digits: /^\d{11}$/, valid: valid(pl), context: /pesel/ },
  { rule: 'ca.sin', digits: /^\d{9}$/, valid: valid(ca), context: /\bsin\b|social insurance/ },
  {
    rule: 'br.cpf',
    digits: /^\d{11}$/,
    valid: valid(br),
    context: /\bcpf\b/,
    form: /^\d{3}\.\d{3}\.\d{3}-\d{2}$/,
  },
  {
    rule: 'se.personnummer',
    digits: /^\d{10}$|^\d{12}$/,
    valid: (digits) => valid(se)(`${digits.slice(0, -4)}-${digits.slice(-4)}`),
    context: /person(?:al )?(?:nummer|number)/,
    form: /^\d{6}(?:\d\d)?[-+]\d{4}$/,
  },
  { rule: 'au.tfn', digits: /^\d{8,9}$/, valid: valid(au), context: /\btfn\b|tax file/ },
  { rule: 'in.aadhaar', digits: /^\d{12}$/, valid: valid(india), context: /aadh?aa?r|uidai/ },
];
const LONGEST = 15;
const FEWEST = 8;

/** Ids of digits alone, written or said. */
export function digitIds(text: string, runs: NumberRun[]): Finding[] {
  return runs.flatMap((run) => {
    const id = idIn(text, run);
    return id === null ? [] : [id];
  });
}

function idIn(text: string, { digits, pieces, start, end }: NumberRun): Finding | null {
  if (digits.length < FEWEST || pieces.length > LONGEST || digits.length > LONGEST) return null;
  if (touchesLetters(text, { start, end })) return null;
  const around = `${before(text, start)} ${after(text, end)}`;
  const written = text.slice(start, end);
  const rule = DIGITS_RULES.find(
    ({ digits: shape, context, form, valid: isValid }) =>
      shape.test(digits) && (form?.test(written) || context.test(around)) && isValid(digits),
  );
  return rule ? { kind: 'NATIONAL_ID', start, end, rule: rule.rule } : null;
}

interface FormRule {
  rule: string;
  form: RegExp;
  valid: (id: string) => boolean;
}

const FORM_RULES: FormRule[] = [
  {
    rule: 'gb.nino',
    form: /(?<![a-z0-9])[a-z]{2}[ -]?\d\d[ -]?\d\d[ -]?\d\d[ -]?[a-d](?![a-z0-9])/gi,
    valid: valid(gb),
  },
  { rule: 'es.dni', form: /(?<![a-z0-9])\d{8}[ -]?[a-z](?![a-z0-9])/gi, valid: valid(dni) },
  { rule: 'es.nie', form: /(?<![a-z0-9])[xyz][ -]?\d{7}[ -]?[a-z](?![a-z0-9])/gi, valid: valid(nie) },
  {
    rule: 'it.codicefiscale',
    form: /(?<![a-z0-9])[a-z]{3} ?[a-z]{3} ?[a-z0-9]{2}[abcdehlmprst][a-z0-9]{2} ?[a-z][a-z0-9]{3}[a-z](?![a-z0-9])/gi,
    valid: valid(it),
  },
];
/** A product may have a code whose letter happens to be the right one. */
const NO_ID =
  /(?:part|product|item|model|order|serial|sku|ref(?:erence)?)\.?(?: (?:number|no|code|is))*[ :#]*$/;

/** Ids whose form alone, and their check letter, tell them: NINO, DNI, NIE, codice fiscale. */
export function formIds(text: string): Finding[] {
  return FORM_RULES.flatMap(({ rule, form, valid: isValid }) =>
    [...text.matchAll(form)].flatMap(({ 0: id, index }): Finding[] => {
      const fits = isValid(id.replaceAll(/[ -]/g, '').toUpperCase()) && !NO_ID.test(before(text, index));
      return fits ? [{ kind: 'NATIONAL_ID', start: index, end: index + id.length, rule }] : [];
    }),
  );
}

const SAID_NINO = /^[A-Z]{2}\d{6}[A-D]$/;

/** "a b one two three four five six c", where national insurance is spoken of. */
export function spokenIds(text: string, mixed: NumberRun[]): Finding[] {
  return mixed.flatMap(({ pieces, start }): Finding[] => {
    if (!/insurance|\bnino\b|\bni\b/.test(before(text, start))) return [];
    for (let first = 0; first < pieces.length; first += 1) {
      let said = '';
      for (let last = first; last < pieces.length && said.length < 9; last += 1) {
        said += pieces[last]?.text ?? '';
        const [from, to] = [pieces[first], pieces[last]];
        if (from && to && SAID_NINO.test(said) && valid(gb)(said)) {
          return [{ kind: 'NATIONAL_ID', start: from.start, end: to.end, rule: 'gb.nino' }];
        }
      }
    }
    return [];
  });
}
