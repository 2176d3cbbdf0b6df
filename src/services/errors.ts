/**
 * The failures that a caller can expect and act on. Each has a stable `code` and a message that says what to do; the
 * schema turns each into a member of the result unions. Everything else that is thrown is a fault of ours.
 */
import type { Finding, Report, Total } from './preflight/rule.ts';
import type { Role } from './viewer.ts';

/** How many findings a message tells. */
const TOLD_FINDINGS = 3;

export class ExpectedError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = new.target.name;
    this.code = code;
  }
}

export interface FieldFault {
  /** The argument, as a path: `input.turns[3].text`. */
  field: string;
  /** What is allowed, and what came. */
  message: string;
}

export class InvalidInputError extends ExpectedError {
  readonly faults: FieldFault[];

  constructor(faults: FieldFault[]) {
    super('INVALID_INPUT', faults.map(({ field, message }) => `${field}: ${message}`).join('; '));
    this.faults = faults;
  }
}

export class NotFoundError extends ExpectedError {
  constructor(what: string, id: string) {
    super(
      'NOT_FOUND',
      `There is no ${what} with the id ${id}. Check the id; another tenant's is not visible to you.`,
    );
  }
}

/** A page was to begin or end at a row that is not there any more, so nobody knows where that was. */
export class CursorGoneError extends ExpectedError {
  constructor(argument: 'after' | 'before') {
    super(
      'CURSOR_GONE',
      `The entry whose cursor \`${argument}\` is was deleted, and with it the place where the page begins. Begin anew, without a cursor.`,
    );
  }
}

/** Who asks is known, and may not do this. */
export class ForbiddenError extends ExpectedError {
  readonly role: Role;
  readonly needed: Role;

  constructor(role: Role, needed: Role) {
    super(
      'FORBIDDEN',
      `This needs the role ${needed} and yours is ${role}. Ask an admin of your tenant for it.`,
    );
    this.role = role;
    this.needed = needed;
  }
}

/** The client left before it was answered: nobody is told. */
export class ClientGoneError extends ExpectedError {
  constructor() {
    super('CLIENT_GONE', 'The client left before it was answered.');
  }
}

export class DatasetNameTakenError extends ExpectedError {
  readonly datasetName: string;

  constructor(datasetName: string) {
    super('DATASET_NAME_TAKEN', `You already have a dataset called "${datasetName}". Choose another name.`);
    this.datasetName = datasetName;
  }
}

export class DatasetInUseError extends ExpectedError {
  constructor() {
    super(
      'DATASET_IN_USE',
      'The dataset has exports or training runs, which must stay traceable. It cannot be deleted.',
    );
  }
}

export class DuplicateExampleError extends ExpectedError {
  constructor() {
    super('DUPLICATE_EXAMPLE', 'The dataset already holds an example with exactly these messages.');
  }
}

export class ExampleHeldError extends ExpectedError {
  readonly heldBy: string;
  readonly heldUntil: Date;

  constructor(heldBy: string, heldUntil: Date) {
    super(
      'EXAMPLE_HELD',
      `The example is held for ${heldBy} until ${heldUntil.toISOString()}. Take another, or try again after that.`,
    );
    this.heldBy = heldBy;
    this.heldUntil = heldUntil;
  }
}

const REVIEW_REFUSALS = {
  ALREADY_DECIDED:
    'The example has its verdict already and needs no more reviews. validateExamples and rejectExamples overrule it.',
  ALREADY_REVIEWED: 'You have reviewed this wording already. Undo that review first.',
  EXAMPLE_CHANGED:
    'The example has been edited since, and the review would be of an older wording. Read the new one.',
  NOT_YOUR_REVIEW: 'The review is somebody else’s. Only they can undo it.',
};

export class ReviewRefusedError extends ExpectedError {
  constructor(code: keyof typeof REVIEW_REFUSALS) {
    super(code, REVIEW_REFUSALS[code]);
  }
}

export class NothingToExportError extends ExpectedError {
  constructor() {
    super('NOTHING_TO_EXPORT', 'The dataset has no validated examples. Validate some, then export again.');
  }
}

export interface GroupInTheWay {
  exampleCount: number;
  /** Why they belong together. */
  ties: ('CALL' | 'PHONE_NUMBER' | 'SAME_TEXT' | 'NEAR_DUPLICATE')[];
  /** Some of the examples. */
  exampleIds: string[];
}

export class SplitImpossibleError extends ExpectedError {
  /** The largest first. */
  readonly groups: GroupInTheWay[];

  constructor(examples: number, groups: GroupInTheWay[]) {
    const largest = groups[0]?.exampleCount ?? 1;
    super(
      'SPLIT_IMPOSSIBLE',
      `${examples} examples cannot be split: training needs at least 10 of them and as many as validation, and no group may be torn apart; the largest holds ${largest}. Add examples of other calls, lower the share, or export without a split.`,
    );
    this.groups = groups;
  }
}

export class NothingToPairError extends ExpectedError {
  constructor() {
    super(
      'NOTHING_TO_PAIR',
      'No validated example has a repaired answer. A pair arises when a reviewer edits the last answer of an example, leaves the conversation before it as it is, and the example is validated again: the repair is then preferred over the first wording.',
    );
  }
}

/** An export holds the words of a caller who was erased. */
export class ExportTaintedError extends ExpectedError {
  constructor() {
    super(
      'EXPORT_TAINTED',
      'The export holds the words of a caller who was erased since. Its files are deleted; export the dataset again.',
    );
  }
}

/** The format has no place for something that an example says. */
export class FormatCannotHoldError extends ExpectedError {
  readonly exampleId: string;
  /** Counted from 1, through both files. */
  readonly line: number;

  constructor(format: string, { exampleId, line }: { exampleId: string; line: number }, what: string) {
    super(
      'FORMAT_CANNOT_HOLD',
      `${format} has no place for ${what}, which line ${line} would hold. Leave the example out, or choose another format; OPENAI_CHAT_JSONL holds everything.`,
    );
    this.exampleId = exampleId;
    this.line = line;
  }
}

export class CallerNotErasedError extends ExpectedError {
  constructor() {
    super('CALLER_NOT_ERASED', 'No caller with this number is erased, so their calls are let in as it is.');
  }
}

export class InsufficientExamplesError extends ExpectedError {
  readonly have: number;
  readonly need: number;

  constructor(have: number, need: number) {
    super(
      'INSUFFICIENT_EXAMPLES',
      `The provider needs at least ${need} validated examples and there are ${have}. Collect or validate ${need - have} more.`,
    );
    this.have = have;
    this.need = need;
  }
}

export interface ExampleWithPersonalData {
  exampleId: string;
  /** The line that it would have been, counted from 1. */
  line: number;
  /** Where the first finding is, such as `messages[1].content`. */
  path: string;
  /** How often each kind was found. */
  counts: Record<string, number>;
}

/** What was found is told by kind and place, and never by its text: errors go into logs. */
export class PersonalDataFoundError extends ExpectedError {
  /** How often each kind was found in the whole export. */
  readonly counts: Record<string, number>;
  /** How many lines hold findings. */
  readonly lines: number;
  /** The first of them. */
  readonly examples: ExampleWithPersonalData[];

  constructor(
    policy: string,
    {
      counts,
      lines,
      examples,
    }: { counts: Record<string, number>; lines: number; examples: ExampleWithPersonalData[] },
  ) {
    const kinds = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`);
    const advice =
      policy === 'BLOCK'
        ? 'Edit or reject the examples, or set personalDataPolicy to REDACT.'
        : 'They stand where no placeholder can: in the definitions of tools, or where redacting did not reach. Edit or reject the examples.';
    super(
      'PERSONAL_DATA_FOUND',
      `Personal data was found in ${lines} lines (${kinds.join(', ')}); nothing was exported. ${advice}`,
    );
    this.counts = counts;
    this.lines = lines;
    this.examples = examples;
  }
}

/** Codes: UNKNOWN_BASE_MODEL, BASE_MODEL_SHUT_DOWN, BASE_MODEL_TRAINING_ENDED. */
export class BaseModelUnavailableError extends ExpectedError {}

/** Codes: NOTHING_TO_ESTIMATE, TOKENS_NOT_COUNTED, NO_PRICE_KNOWN. */
export class NoEstimateError extends ExpectedError {}

/** What a launch would make of the month's budget, in USD as decimal numbers; null where it cannot be told. */
export interface BudgetFigures {
  monthlyUsd: number;
  spentUsd: number;
  committedUsd: number;
  runUpperUsd: number | null;
}

export class BudgetExceededError extends ExpectedError {
  readonly figures: BudgetFigures;

  constructor(figures: BudgetFigures, why: string) {
    super('BUDGET_EXCEEDED', why);
    this.figures = figures;
  }
}

/** The pre-flight found what the provider would refuse, or learn wrongly. */
export class PreflightFailedError extends ExpectedError {
  readonly findings: Finding[];
  readonly totals: Total[];

  constructor({ findings, totals }: Report) {
    const errors = totals.filter(({ severity }) => severity === 'ERROR');
    const count = errors.reduce((sum, total) => sum + total.count, 0);
    const first = findings.filter(({ severity }) => severity === 'ERROR').slice(0, TOLD_FINDINGS);
    const told = first.map(({ line, field, rule, message }) => {
      const place = [line === null ? [] : `line ${line}`, field ?? []].flat().join(', ');
      return `${place === '' ? '' : `${place}: `}${message} (${rule})`;
    });
    const rest = count > first.length ? `; and ${count - first.length} more` : '';
    super(
      'PREFLIGHT_FAILED',
      `Pre-flight found ${count} ${count === 1 ? 'error' : 'errors'}, so nothing was sent: ${told.join('; ')}${rest}. \`preflight\` lists all; mend them and launch again.`,
    );
    this.findings = findings;
    this.totals = totals;
  }
}

export class RequestKeyReusedError extends ExpectedError {
  constructor() {
    super(
      'REQUEST_KEY_REUSED',
      'This requestKey already launched a run with other arguments. Use a new key for a new launch.',
    );
  }
}

export class RunNotCancellableError extends ExpectedError {
  constructor(status: string) {
    super('RUN_NOT_CANCELLABLE', `The run is already ${status} and can no longer be cancelled.`);
  }
}

export class RunNotInReviewError extends ExpectedError {
  constructor(status: string) {
    super('RUN_NOT_IN_REVIEW', `The run is ${status}; there is something to settle only in NEEDS_REVIEW.`);
  }
}

export class ModelNotReadyError extends ExpectedError {
  constructor(status: string) {
    super('MODEL_NOT_READY', `The run is ${status} and has no model yet. Wait until it has SUCCEEDED.`);
  }
}

/** Over HTTP only: a webhook that nobody is known to have sent. */
export class InvalidSignatureError extends ExpectedError {
  constructor(why: string) {
    super(
      'INVALID_SIGNATURE',
      `The webhook is not signed as it should be: ${why} Check that the secret is the one of this endpoint, that the body arrives unchanged, and the clocks.`,
    );
  }
}

/** Over HTTP only. */
export class WebhookNotSetUpError extends ExpectedError {
  constructor(provider: string) {
    super(
      'WEBHOOK_NOT_SET_UP',
      `Webhooks of ${provider} are not received here. Runs are followed without them; to be told sooner set the provider's key and its webhook secret, see the configuration.`,
    );
  }
}

/** The provider refused or could not be reached; `retryable` says whether asking again may help. */
export class ProviderError extends ExpectedError {
  readonly retryable: boolean;
  /** How long the provider asks to be left alone, in seconds. */
  readonly retryAfterSeconds: number | null;

  constructor(code: string, message: string, retryable: boolean, retryAfterSeconds: number | null = null) {
    super(code, message);
    this.retryable = retryable;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}
