/** HTTP requests as bytes: mostly nearly right, since what is plain nonsense does not get far. */
import { randomOperation } from './operations.ts';
import { mutatedText, mutatedValue, nastyText, nastyValue } from './mutations.ts';
import { PREFLIGHT, type Scene } from './scene.ts';
import type { SeededRandom } from '../bench/random.ts';

interface Request {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string | Buffer;
}

const METHODS = [
  'GET',
  'POST',
  'HEAD',
  'PUT',
  'DELETE',
  'OPTIONS',
  'PATCH',
  'TRACE',
  'PROPFIND',
  'get',
  'NOTHING',
];
const TYPES = [
  'application/json',
  'application/json; charset=utf-8',
  'application/json; charset=utf-16',
  'application/graphql',
  'application/graphql-response+json',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'multipart/form-data',
  'text/plain',
  'text/csv',
  'text/vtt',
  'application/x-ndjson',
  'nonsense',
  '',
];
const ACCEPTS = [
  'application/json',
  'application/graphql-response+json',
  'text/event-stream',
  'multipart/mixed',
  'text/html',
  '*/*',
  'nonsense',
  '',
];
const HEADERS = [
  'origin',
  'accept-encoding',
  'content-encoding',
  'cookie',
  'range',
  'if-none-match',
  'if-range',
  'expect',
  'x-forwarded-for',
  'x-http-method-override',
  'authorization',
  'upgrade',
  'last-event-id',
  'te',
];

/** The bytes of one request. */
export function randomRequest(random: SeededRandom, scene: Scene, host: string): Buffer {
  const request = random.pick([
    graphqlPost,
    graphqlPost,
    graphqlPost,
    graphqlGet,
    importing,
    download,
    webhook,
    anywhere,
  ])(random, scene);
  return bytesOf(mutatedRequest(request, random), random, host);
}

function graphqlPost(random: SeededRandom, scene: Scene): Request {
  const { pick, below } = random;
  const operation = randomOperation(random, scene);
  let body: unknown = operation;
  const kind = below(10);
  if (kind === 0) body = mutatedValue(operation, random);
  if (kind === 1) body = { ...operation, query: mutatedText(operation.query, random) };
  if (kind === 2) body = { ...operation, variables: mutatedValue(operation.variables, random) };
  if (kind === 3)
    body = pick<unknown>([[operation, operation], [], null, 1, 'text', { query: nested(below(5_000)) }]);
  if (kind === 4) body = { ...operation, operationName: nastyValue(random), extensions: nastyValue(random) };
  const text = JSON.stringify(body);
  return {
    method: 'POST',
    path: '/graphql',
    headers: {
      'content-type': 'application/json',
      accept: below(3) === 0 ? pick(ACCEPTS) : 'application/json',
    },
    body: kind === 5 ? mutatedText(text, random) : text,
  };
}

const nested = (depth: number): string =>
  `{ ${'datasets { edges { node '.repeat(depth)}{ id }${' } }'.repeat(depth)} }`;

function graphqlGet(random: SeededRandom, scene: Scene): Request {
  const { query, variables } = randomOperation(random, scene);
  const given: Record<string, string> = { query, variables: JSON.stringify(variables) };
  if (random.below(4) === 0) given[nastyText(random)] = nastyText(random);
  if (random.below(4) === 0) given['variables'] = nastyText(random);
  if (random.below(4) === 0) given['extensions'] = JSON.stringify(nastyValue(random));
  const search = new URLSearchParams(given).toString();
  return { method: 'GET', path: `/graphql?${search}`, headers: { accept: random.pick(ACCEPTS) }, body: '' };
}

const ROWS: [string, string][] = [
  [
    'application/x-ndjson',
    '{"call_sid":"CA1","created_at":"2026-11-01T10:00:00Z","phone_number":"+4930123456","transcript_confidence":0.9,"duration_seconds":12,"turns":[{"speaker":"caller","text":"Hello there","start":1.5},{"speaker":"agent","text":"Good morning"}]}\n{"call_sid":"CA2","created_at":"2026-11-01T10:00:00Z","turns":[]}\n',
  ],
  [
    'text/csv',
    'call_sid,created_at,confidence,transcript\nCA3,2026-11-01T10:00:00Z,0.9,"caller: Hello\nagent: Hi"\n',
  ],
  [
    'text/vtt',
    'WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n<v caller>Hello\n\n00:00:03.000 --> 00:00:04.000\n<v agent>Hi\n',
  ],
  [
    'application/jsonl',
    '{"messages":[{"role":"user","content":"Hello?"},{"role":"assistant","content":"Good morning."}],"quality_score":0.5}\n',
  ],
];

function importing(random: SeededRandom, scene: Scene): Request {
  const { pick, below } = random;
  const [type, rows] = pick(ROWS);
  const path = below(2) === 0 ? '/import/call-transcriptions' : `/import/examples/${pick(scene.ids)}`;
  const query = pick([
    '',
    '?confidence=0.5',
    '?confidence=1e999',
    '?callerLabels=a,b&agentLabels=c',
    '?filename=CA9.vtt&createdAt=2026-11-22T09:30:00Z',
    '?filename=%00.vtt',
    '?filename=..%2F..%2Fx',
    '?autoValidate=true',
    `?${encodeURIComponent(nastyText(random).toWellFormed())}`,
  ]);
  const body = Buffer.from(below(4) === 0 ? rows : mutatedText(rows, random));
  if (below(5) === 0 && body.length > 0) body[below(body.length)] = below(256);
  return { method: 'POST', path: path + query, headers: { 'content-type': type }, body };
}

function download(random: SeededRandom, { downloads }: Scene): Request {
  const { pick, below } = random;
  const path = pick(downloads);
  const headers: Record<string, string> = {};
  if (below(2) === 0) {
    headers['range'] = pick([
      'bytes=0-0',
      'bytes=-1',
      'bytes=9-1',
      'bytes=0-,5-6',
      'bytes=99999999999999999999-',
      'x=1',
    ]);
  }
  return { method: 'GET', path: below(2) === 0 ? path : mutatedPath(path, random), headers, body: '' };
}

function webhook(random: SeededRandom): Request {
  const event = { id: 'evt_1', object: 'event', type: 'fine_tuning.job.succeeded', data: { id: 'ftjob-1' } };
  return {
    method: 'POST',
    path: '/webhooks/openai',
    headers: {
      'content-type': 'application/json',
      'webhook-id': 'evt_1',
      'webhook-timestamp': random.pick(['1700000000', '-1', 'x', '9'.repeat(30)]),
      'webhook-signature': random.pick(['v1,abc', '', 'v1', 'v1,ä']),
    },
    body: JSON.stringify(mutatedValue(event, random)),
  };
}

function anywhere(random: SeededRandom, { ids }: Scene): Request {
  const { pick } = random;
  const paths = [
    '/',
    '/health/live',
    '/health/ready',
    '/graphql',
    '/exports',
    `/exports/${pick(ids)}/x`,
    '/import',
    '/metrics',
  ];
  return { method: pick(METHODS), path: mutatedPath(pick(paths), random), headers: {}, body: '' };
}

const mutatedPath = (path: string, random: SeededRandom): string =>
  Array.from(mutatedText(path, random))
    .map((mark) => (/[\s\p{C}]/u.test(mark) ? encodeURIComponent(mark.toWellFormed()) : mark))
    .join('');

function mutatedRequest(request: Request, random: SeededRandom): Request {
  const { pick, below } = random;
  const changed: Request = { ...request, headers: { ...PREFLIGHT, ...request.headers } };
  switch (below(16)) {
    case 0:
      changed.method = pick(METHODS);
      break;
    case 1:
      changed.path = mutatedPath(changed.path, random);
      break;
    case 2:
      changed.headers['content-type'] = pick(TYPES);
      break;
    case 3:
      changed.headers['accept'] = pick(ACCEPTS);
      break;
    case 4:
      changed.headers[pick(HEADERS)] = nastyText(random);
      break;
    case 5:
      changed.headers['content-type'] = 'multipart/form-data; boundary=x';
      changed.body = `--x\r\nContent-Disposition: form-data; name="operations"\r\n\r\n${String(changed.body)}\r\n--x--`;
      break;
    default:
  }
  return changed;
}

function bytesOf(
  { method, path, headers, body }: Request,
  { pick, below }: SeededRandom,
  host: string,
): Buffer {
  const content = Buffer.from(body);
  const sent: Record<string, string> = { host, connection: 'close', ...headers };
  if (content.length > 0 || method === 'POST') sent['content-length'] = String(content.length);
  if (below(40) === 0)
    sent['content-length'] = pick(['0', '-1', 'x', String(content.length + 5), '9'.repeat(25)]);
  if (below(60) === 0) sent['host'] = pick(['', 'evil.example', 'localhost:x', '[::1', 'a b']);
  const chunked = below(15) === 0;
  if (chunked) {
    delete sent['content-length'];
    sent['transfer-encoding'] = 'chunked';
  }
  // Header values may hold what HTTP forbids: that is for the server to refuse.
  const lines = Object.entries(sent).map(([name, value]) => `${name}: ${value.replaceAll(/[\r\n]/g, ' ')}`);
  const head = Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
  if (!chunked) return Buffer.concat([head, content]);
  const size = `${content.length.toString(16)}\r\n`;
  const last =
    content.length > 0
      ? [Buffer.from(size), content, Buffer.from('\r\n0\r\n\r\n')]
      : [Buffer.from('0\r\n\r\n')];
  return Buffer.concat([head, ...last]);
}
