/** Followers that count what they miss and what they hear twice. */
import { createClient, type Client } from 'graphql-ws';
import { WebSocket } from 'ws';

export const EVENTS =
  'subscription ($id: ID!, $afterSeq: Int) { trainingRunEvents(id: $id, afterSeq: $afterSeq) { seq message } }';
export const UPDATES =
  'subscription ($id: ID!, $afterSeq: Int) { trainingRunUpdated(id: $id, afterSeq: $afterSeq) { status lastSeq } }';

export interface Tally {
  /** The highest number seen. */
  last: number;
  missing: number;
  repeated: number;
  see(seq: number): void;
}

/** `last` is the number that is known at the start. */
export function createTally(last = 0): Tally {
  return {
    last,
    missing: 0,
    repeated: 0,
    see(seq) {
      if (seq <= this.last) {
        this.repeated += 1;
        return;
      }
      this.missing += seq - this.last - 1;
      this.last = seq;
    },
  };
}

export interface Address {
  url: string;
  headers: Record<string, string>;
}

/** A graphql-ws client that leaves reconnecting to the scenario; `onSocket` is told of every socket it opens. */
export function openClient(
  { url, headers }: Address,
  onSocket: (socket: WebSocket) => void = () => undefined,
): Client {
  class OwnSocket extends WebSocket {
    constructor(address: string, protocols: string | string[]) {
      super(address, protocols, { headers });
      onSocket(this);
    }
  }
  return createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: OwnSocket,
    retryAttempts: 0,
  });
}

/** Follows until the server ends it; throws when the connection breaks. `onResult` gets each result's data. */
export async function followWith(
  client: Client,
  query: string,
  variables: Record<string, unknown>,
  onResult: (data: Record<string, unknown>) => void,
): Promise<void> {
  for await (const { data, errors } of client.iterate({ query, variables })) {
    if (errors) throw new Error(`The subscription failed: ${JSON.stringify(errors)}`);
    if (data) onResult(data);
  }
}

/** The number in a result of EVENTS or UPDATES. */
export function seqOf(data: Record<string, unknown>): number {
  const { trainingRunEvents: event, trainingRunUpdated: run } = data as {
    trainingRunEvents?: { seq: number };
    trainingRunUpdated?: { lastSeq: number };
  };
  const seq = event?.seq ?? run?.lastSeq;
  if (seq === undefined) throw new Error(`There is no number in ${JSON.stringify(data)}`);
  return seq;
}
