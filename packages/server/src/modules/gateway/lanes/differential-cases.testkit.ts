import { longExtension, smugglingCorpus } from './smuggling.testkit.ts';

/** What a client or an app sends, and how the network cuts it. */
export interface WireCase {
  name: string;
  bytes: Buffer;
  /** Places where a packet ends. */
  cuts: number[];
}

export interface AnswerCase extends WireCase {
  method: 'GET' | 'HEAD' | 'POST';
}

/** The same numbers for the same seed and place, on every machine. */
class Dice {
  #state: number;
  constructor(seed: number, index: number) {
    this.#state = (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(index + 1, 0xc2b2ae35)) >>> 0;
    for (let n = 0; n < 4; n++) this.next();
  }
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
  below(count: number): number {
    return Math.floor(this.next() * count);
  }
  chance(share: number): boolean {
    return this.next() < share;
  }
  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}

const paths = [
  '/apps/notes/a',
  '/apps/notes/',
  '/apps/notes',
  '/apps/notes/a?b=c&d',
  '/apps/notes//x',
  '/apps/notes/%61%2e%2F',
  '/apps/notes/../x',
  '/apps/notes/%2e%2e/x',
  '/apps/notes/a\\b',
  '/apps/notes/a#b',
  '/apps/notes/"<>^`{|}',
  '/apps/notes/%',
  '/apps/none/x',
  '/apps/',
  '/health',
  '/',
  '*',
  'http://localhost/apps/notes/a',
  '/apps/notes/ä',
];
const hosts = [
  'localhost',
  'Localhost:80',
  '127.0.0.1',
  'notes.test',
  'NOTES.TEST.',
  'other.test',
  '',
  'local host',
  '[::1]:80',
];
const fields = [
  'Accept: */*',
  'Accept: text/html',
  'accept-encoding: gzip, br',
  'Cookie: a=1; atrium_session=x; b=2',
  'Cookie: atrium_session=x',
  'Cookie: c=3',
  'Authorization: Bearer abc',
  'Authorization: Basic YTpi',
  'X-API-Key: k',
  'X-Empty:',
  'X-Blank: \t ',
  'X-Spaces:   a  b\t',
  'X-Latin: \xe4\xff',
  'X-Atrium-User: root',
  'X_Atrium_User: root',
  'Remote-User: root',
  'X-Forwarded-For: 1.2.3.4',
  'X-Forwarded-Host: notes.test',
  'Forwarded: for=1.2.3.4',
  'Via: 1.0 x',
  'Via: 1.1 atrium (test0001), 1.1 atrium (test0001)',
  'TE: trailers',
  'TE: gzip',
  'Connection: close',
  'Connection: keep-alive',
  'Connection: Keep-Alive, X-App',
  'Connection: close, X-App',
  'Connection: Upgrade',
  'Connection: cookie',
  'Connection:',
  'X-App: 1',
  'Keep-Alive: timeout=5',
  'Proxy-Connection: keep-alive',
  'Upgrade: h2c',
  'HTTP2-Settings: AAA',
  'Expect: 100-continue',
  'Expect: x',
  'Trailer: X-Sum',
  'If-None-Match: "x"',
  'Range: bytes=0-1',
  'Content-Type: text/plain',
  'Content_Length: 3',
  'X-Request-Id: client-chosen-id',
  '__proto__: x',
  'constructor: x',
  'Origin: http://localhost',
  'Host: localhost',
  'Host: notes.test',
  'Content-Length: 0',
  'Content-Length: 3',
  'Content-Length: 03',
  'Content-Length: 3, 3',
  'Content-Length: +3',
  'Content-Length: 3 ',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: Chunked',
  'Transfer-Encoding: chunked, chunked',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: identity',
  'Transfer-Encoding:\tchunked',
  ' X-Folded: 1',
  'X-Colon : 1',
  'NoColon',
  ': nameless',
  'X-Ctl: a\x01b',
  'X-Del: a\x7fb',
  'X-Cr: a\rb',
  'X-Nul: a\0b',
];
const methods = [
  'GET',
  'GET',
  'GET',
  'HEAD',
  'POST',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'PROPFIND',
  'TRACE',
  'get',
  'BREW',
];
const versions = [
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/1.2',
  'HTTP/2.0',
  'http/1.1',
  'HTTP/1.1 ',
];
const bodies = [
  '',
  'abc',
  'a\r\nb',
  '0\r\n\r\n',
  'GET /apps/notes/inner HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'x'.repeat(300),
];
const extensions = ['', '', '', '', ';a', ';a=b', ';a="b c"', '; a=b', ';a=b;c', ';', ' ', ';a="b', ';a=\x01'];
const trailers = [
  '',
  '',
  '',
  'X-Sum: 3\r\n',
  'Content-Length: 3\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Connection: close\r\n',
  'X Bad: 1\r\n',
  ' folded\r\n',
];

const chunked = (dice: Dice, body: string): string => {
  let text = '';
  for (let at = 0; at < body.length; ) {
    const length = 1 + dice.below(Math.max(1, body.length - at));
    const part = body.slice(at, at + length);
    at += part.length;
    const hex = part.length.toString(16);
    text += `${dice.chance(0.1) ? `0${hex.toUpperCase()}` : hex}${dice.of(extensions)}\r\n${part}\r\n`;
  }
  return `${text}${dice.chance(0.05) ? '00' : '0'}${dice.of(extensions)}\r\n${dice.of(trailers)}\r\n`;
};

const oneRequest = (dice: Dice, wild: number): string => {
  const rare = (list: readonly string[], usual: string): string => (dice.chance(wild) ? dice.of(list) : usual);
  const method = dice.chance(wild) ? dice.of(methods) : dice.of(['GET', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE']);
  const lines = [`${method} ${rare(paths, dice.of(paths.slice(0, 6)))} ${rare(versions, 'HTTP/1.1')}`];
  if (!dice.chance(wild / 4)) lines.push(`Host: ${rare(hosts, dice.of(hosts.slice(0, 4)))}`);
  for (let n = dice.below(5); n > 0; n--)
    lines.push(dice.chance(wild) ? dice.of(fields) : dice.of(fields.slice(0, 23)));
  const body = method === 'GET' || method === 'HEAD' ? '' : dice.of(bodies);
  let sent = '';
  const framing = body === '' && !dice.chance(0.2) ? 'none' : dice.of(['length', 'length', 'chunks']);
  if (framing === 'length') {
    const lie = dice.chance(wild / 8) ? dice.below(9) - 4 : 0;
    lines.push(`Content-Length: ${Math.max(0, body.length + lie)}`);
    sent = body;
  } else if (framing === 'chunks') {
    lines.push('Transfer-Encoding: chunked');
    sent = chunked(dice, body);
  }
  const end = dice.chance(wild / 10) ? '\n' : '\r\n';
  return `${lines.join(end)}${end}${end}${sent}`;
};

/** Changes some bytes, as broken or hostile programs do. */
const mutated = (dice: Dice, text: string): string => {
  const odd = ['\r', '\n', '\r\n', ' ', '\t', '\0', ':', ',', ';', '0', 'a', '\xff', '\x0b', '\r\n\r\n', '\x80'];
  let result = text;
  for (let n = 1 + dice.below(2); n > 0; n--) {
    const at = dice.below(result.length);
    const kind = dice.below(3);
    const more = kind === 0 ? '' : dice.of(odd);
    result = result.slice(0, at) + more + result.slice(kind === 1 ? at : at + 1);
  }
  return result;
};

const cutsOf = (dice: Dice, length: number): number[] => {
  if (length < 2 || dice.chance(0.6)) return [];
  const cuts = Array.from({ length: 1 + dice.below(3) }, () => 1 + dice.below(length - 1));
  return [...new Set(cuts)].sort((a, b) => a - b);
};

const requestCase = (seed: number, index: number): WireCase => {
  const dice = new Dice(seed, index);
  const wild = dice.of([0, 0.1, 0.4]);
  let text = '';
  for (let n = dice.of([1, 1, 1, 2, 3]); n > 0; n--) text += oneRequest(dice, wild);
  if (dice.chance(0.25)) text = mutated(dice, text);
  const bytes = Buffer.from(text, 'latin1');
  return { name: `request ${seed}:${index}`, bytes, cuts: cutsOf(dice, bytes.length) };
};

const statuses = [
  '200',
  '200',
  '200',
  '200',
  '201',
  '204',
  '206',
  '301',
  '304',
  '404',
  '500',
  '100',
  '101',
  '102',
  '103',
  '199',
  '600',
  '099',
  '2 0',
  '20',
];
const answerFields = [
  'Content-Type: text/plain',
  'Content-Type: text/event-stream',
  'Connection: close',
  'Connection: keep-alive',
  'Connection: X-Hop',
  'X-Hop: 1',
  'Keep-Alive: timeout=1',
  'Set-Cookie: a=1; Path=/',
  'Set-Cookie: b=2',
  'Set-Cookie: atrium_session=x',
  'Service-Worker-Allowed: /',
  'Atrium-Error: x',
  'Date: Thu, 01 Jan 1970 00:00:00 GMT',
  'Location: http://127.0.0.1/x',
  'ETag: "x"',
  'X-Latin: \xe4',
  'X-Empty:',
  'Trailer: X-Sum',
  'TE: trailers',
  'X-Request-Id: of-the-app',
  'Content-Encoding: gzip',
  'Content-Length: 3',
  'Content-Length: 3, 3',
  'Content-Length: -1',
  'Content-Length: 1e2',
  'Content-Length:',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: Chunked',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: chunked, gzip',
  'Transfer-Encoding: identity',
  'Transfer-Encoding : chunked',
  ' X-Folded: 1',
  'X-Ctl: a\x01b',
  'X-Cr: a\rb',
  'X-Nul: a\0b',
  'NoColon',
  'Upgrade: websocket',
];

const answerCase = (seed: number, index: number): AnswerCase => {
  const dice = new Dice(seed ^ 0x5bd1e995, index);
  const wild = dice.of([0, 0.1, 0.4]);
  const method = dice.of(['GET', 'GET', 'GET', 'HEAD', 'POST'] as const);
  const status = dice.chance(wild) ? dice.of(statuses) : dice.of(statuses.slice(0, 11));
  const version = dice.chance(wild / 2) ? dice.of(versions) : 'HTTP/1.1';
  const reason = dice.chance(0.8) ? ' OK' : dice.of(['', ' ', ' Not So', ' a\x01', '  two']);
  const lines = [`${version} ${status}${reason}`];
  for (let n = dice.below(5); n > 0; n--)
    lines.push(dice.chance(wild) ? dice.of(answerFields) : dice.of(answerFields.slice(0, 21)));
  const body = dice.of(bodies);
  const bodiless = method === 'HEAD' || status === '204' || status === '304';
  let sent = '';
  const framing = dice.of(['length', 'length', 'length', 'chunks', 'chunks', 'close']);
  if (framing === 'length') {
    const lie = dice.chance(wild / 4) ? dice.below(9) - 4 : 0;
    if (status !== '204') lines.push(`Content-Length: ${Math.max(0, body.length + lie)}`);
    if (!bodiless) sent = body;
  } else if (framing === 'chunks') {
    lines.push('Transfer-Encoding: chunked');
    if (!bodiless) sent = chunked(dice, body);
  } else if (!bodiless) sent = body;
  const end = dice.chance(wild / 10) ? '\n' : '\r\n';
  let text = `${lines.join(end)}${end}${end}${sent}`;
  if (dice.chance(wild / 4)) text = `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${text}`;
  if (dice.chance(wild / 4)) text += dice.of(['x', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ny', '\r\n']);
  if (dice.chance(0.2)) text = mutated(dice, text);
  const bytes = Buffer.from(text, 'latin1');
  return { name: `answer ${seed}:${index}`, bytes, cuts: cutsOf(dice, bytes.length), method };
};

/** Of each five cases, two are answers. */
export const generatedCase = (seed: number, index: number): WireCase | AnswerCase =>
  index % 5 < 3 ? requestCase(seed, index) : answerCase(seed, index);

/** Every request of the corpus, whole and cut at each place of its head and of the beginning of its body. */
export const corpusCases = (): WireCase[] =>
  [...smugglingCorpus, longExtension].flatMap(({ name, bytes: text }) => {
    const bytes = Buffer.from(text, 'latin1');
    const until = Math.min(bytes.length, text.indexOf('\n\r\n') + 24);
    const whole = { name, bytes, cuts: [] as number[] };
    return [whole, ...Array.from({ length: until - 1 }, (_none, at) => ({ ...whole, cuts: [at + 1] }))];
  });

const requestOf = (name: string, text: string): WireCase => ({ name, bytes: Buffer.from(text, 'latin1'), cuts: [] });
const answerOf = (name: string, text: string): AnswerCase => ({ ...requestOf(name, text), method: 'GET' });
const chunkedPut = 'PUT /apps/notes/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked';

/** What earlier runs found, in one lane or the other. */
export const foundCases: readonly (WireCase | AnswerCase)[] = [
  requestOf('a tab behind a coding', `${chunkedPut}\t\r\n\r\n3\r\nabc\r\n0\r\n\r\n`),
  requestOf('a length behind the body', `${chunkedPut}\r\n\r\n3\r\nabc\r\n0\r\nContent-Length: 3\r\n\r\n`),
  requestOf('no body in chunks', `${chunkedPut.replace('PUT', 'GET')}\r\n\r\n0\r\n\r\n`),
  requestOf('zeros before a length', 'PUT /apps/notes/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 03\r\n\r\nabc'),
  requestOf(
    'an upgrade with a body, behind a request',
    'GET /apps/notes/a HTTP/1.1\r\nHost: localhost\r\n\r\nGET /apps/notes/b HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nTransfer-Encoding: chunked\r\n\r\n2\r\na',
  ),
  answerOf(
    'an interim answer that closes',
    'HTTP/1.1 103 OK\r\nConnection: close\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ny',
  ),
  answerOf('an interim answer of HTTP/1.0', 'HTTP/1.0 199 OK\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ny'),
  answerOf('a trailer beside a length', 'HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nContent-Length: 2\r\n\r\nok'),
  answerOf('a reason that is not ASCII', 'HTTP/1.1 200 O\xff\r\nContent-Length: 2\r\n\r\nok'),
  answerOf(
    'a hint that is none',
    'HTTP/1.1 103 Early Hints\r\nLink: /a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  ),
  answerOf(
    'events with a field that is not ASCII',
    'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Latin: \xe4\r\n\r\ndata: 1\n\n',
  ),
];
