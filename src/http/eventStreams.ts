/** Server-sent events: what goes wrong with an operation is told in the stream, as it is over WebSocket. */
import type { Plugin } from 'graphql-yoga';

/** Gives every event stream the status 200: of another, clients see the number alone, and try again as if cut off. */
export const toldInStream: Plugin = {
  onResponse(answer) {
    const { response, fetchAPI } = answer;
    if (response.ok || response.headers.get('content-type') !== 'text/event-stream') return;
    answer.setResponse(new fetchAPI.Response(response.body, { headers: response.headers }));
  },
};
