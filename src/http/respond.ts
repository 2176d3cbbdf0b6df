import type { ServerResponse } from 'node:http';

/** Answers with JSON; headers must not have been sent. */
export function respondJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  });
  response.end(text);
}

/** Answers that something is wrong, in the shape that every route uses. */
export function respondError(response: ServerResponse, status: number, code: string, message: string): void {
  respondJson(response, status, { error: { code, message } });
}
