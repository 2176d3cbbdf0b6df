/** A statement of the reader's (db/reader), which asks of the database no more than a text for each row. */
import type pg from 'pg';
import { takeRows } from './rowBytes.ts';
import { keepPrepared, sendSettings, type OfTenant } from './tenantQuery.ts';

/** A statement whose rows are a text each, with a character for each byte if `asBytes` (byteText.ts). */
export interface Question {
  text: string;
  values: SentValue[];
  asBytes: boolean;
}

/** A value as it is sent. */
export type SentValue = string | Buffer;

/**
 * As `pg` would ask it, the database would describe the columns each time, and of each message and row there would be an
 * object: for a small answer that takes longer than all else that is done with it. What `pg` calls of a query is here.
 */
export class TextsQuery implements pg.Submittable {
  readonly text: string;
  readonly name: string | undefined;
  /** Given by `pg`. */
  callback: ((error: unknown, texts?: string[]) => void) | undefined;
  readonly #tenant: OfTenant;
  readonly #question: Question;
  readonly #texts: string[] = [];
  #isTenant = false;
  #fault: unknown = null;

  /** `name`: under which connections keep its plan; none of what is hardly asked again. */
  constructor(tenant: OfTenant, question: Question, name: string | undefined) {
    this.#tenant = tenant;
    this.#question = question;
    this.text = question.text;
    this.name = name;
  }

  submit(connection: pg.Connection): void {
    const { name = '', text } = this;
    connection.stream.cork();
    if (name !== '') keepPrepared(connection, name);
    takeRows(connection, (value) => this.#take(value));
    sendSettings(connection, this.#tenant);
    if (name === '' || connection.parsedStatements[name] === undefined)
      connection.parse({ name, text, types: [] }, true);
    connection.bind({ statement: name, values: this.#question.values }, true);
    connection.execute({}, true);
    connection.sync();
    connection.stream.uncork();
  }

  #take(value: Buffer): void {
    // The first row is the settings', and nobody's.
    if (!this.#isTenant) this.#isTenant = true;
    else
      try {
        this.#texts.push(value.toString(this.#question.asBytes ? 'latin1' : 'utf8'));
      } catch (error) {
        this.#fault = error; // Longer than V8's texts may be.
      }
  }

  handleCommandComplete(): void {
    // Ready is what it is waited for.
  }

  handleReadyForQuery(): void {
    this.callback?.(this.#fault, this.#texts);
  }

  handleError(error: unknown): void {
    this.callback?.(error);
  }
}
