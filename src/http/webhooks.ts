/** What providers send by themselves. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ExpectedError, InvalidSignatureError, WebhookNotSetUpError } from '../services/errors.ts';
import type { WebhookService } from '../services/webhook.ts';
import { respondError, respondJson } from './respond.ts';

/** The largest body that is read, in bytes; an event has some hundred. */
const MAX_BODY = 256 * 1024;

/** POST /webhooks/PROVIDER, as the provider signs and sends it. */
export async function receiveWebhook(
  webhooks: WebhookService,
  provider: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    webhooks.expect(provider);
    const body = await bodyOf(request);
    await webhooks.receive(provider, { body, headers: request.headers });
    respondJson(response, 200, { status: 'received' });
  } catch (error) {
    if (!(error instanceof ExpectedError)) throw error;
    // What was not read of the body must not be taken for the next request.
    if (!request.readableEnded) response.setHeader('Connection', 'close');
    respondError(response, statusOf(error), error.code, error.message);
  } finally {
    request.resume();
  }
}

class BodyTooLargeError extends ExpectedError {
  constructor() {
    super('BODY_TOO_LARGE', `A webhook may have at most ${MAX_BODY} bytes.`);
  }
}

/** The body exactly as it was signed. */
async function bodyOf(request: IncomingMessage): Promise<string> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY) throw new BodyTooLargeError();
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    const piece: Buffer = chunk;
    bytes += piece.length;
    if (bytes > MAX_BODY) throw new BodyTooLargeError();
    chunks.push(piece);
  }
  return Buffer.concat(chunks).toString();
}

function statusOf(error: ExpectedError): number {
  if (error instanceof WebhookNotSetUpError) return 404;
  if (error instanceof InvalidSignatureError) return 401;
  return error instanceof BodyTooLargeError ? 413 : 400;
}
