/** What a client takes for an answer, by its `Accept` header. */

export interface Accepted {
  /** Of the types that Yoga answers with, the one that is asked for first; null where only Yoga can tell. */
  plainType: string | null;
  /** Whether an event stream is what it takes before all else. */
  eventStream: boolean;
  /** Whether it names a type that streams. */
  streams: boolean;
  /**
   * The header without what leaves streams to those who do not name their type: one that came of `*` would not be known
   * for a stream, and would outlive its session and go uncounted. What takes anything is given JSON.
   */
  noStream: string;
}

/** There are few, and each comes again with every request; nobody is to fill the memory with others. */
const MOST_KNOWN = 100;
const known = new Map<string, Accepted>();

export function acceptedOf(accept = '*/*'): Accepted {
  const present = known.get(accept);
  if (present) return present;
  const found = read(accept);
  if (known.size < MOST_KNOWN) known.set(accept, found);
  return found;
}

function read(accept: string): Accepted {
  // As Yoga reads them.
  const types = accept.toLowerCase().replaceAll(/\s/g, '').split(',');
  const named = types.filter((type) => !/^(?:text|multipart)\/\*/.test(type));
  return {
    plainType: plainTypeOf(accept),
    eventStream: types[0] === 'text/event-stream',
    streams: types.some((type) => /^(?:text\/event-stream|multipart\/mixed)(?:;|$)/.test(type)),
    noStream: named.map((type) => type.replace(/^\*\/\*/, 'application/json')).join() || 'application/json',
  };
}

function plainTypeOf(accept: string): string | null {
  const [first] = accept.split(',');
  const type = first?.trim().toLowerCase();
  if (type === '*/*' || type === 'application/json') return 'application/json';
  return type === 'application/graphql-response+json' ? type : null;
}
