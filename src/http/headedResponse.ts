import {
  ServerResponse,
  type IncomingMessage,
  type OutgoingHttpHeader,
  type OutgoingHttpHeaders,
} from 'node:http';

type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[];

/** An answer that tells, whoever writes it and whatever it is, what all answers do. */
export class HeadedResponse<
  Request extends IncomingMessage = IncomingMessage,
> extends ServerResponse<Request> {
  /** Names and values in turns. */
  always: readonly string[] = [];

  /** Headers as a list, names and values in turns, are written as they are; all others Node keeps one by one first. */
  override writeHead(status: number, statusMessage?: string, headers?: Headers): this;
  override writeHead(status: number, headers?: Headers): this;
  override writeHead(status: number, ...[first, second]: [(string | Headers)?, Headers?]): this {
    if (Array.isArray(first) && this.getHeaderNames().length === 0)
      return super.writeHead(status, [...this.always, ...first]);
    for (let n = 0; n + 1 < this.always.length; n += 2) {
      const [name = '', value = ''] = this.always.slice(n, n + 2);
      if (!this.hasHeader(name)) this.setHeader(name, value);
    }
    return typeof first === 'string'
      ? super.writeHead(status, first, second)
      : super.writeHead(status, first);
  }
}
