/** Requests whose length two programs might read differently, and what else the gateway must not hand on. */
export interface HostileRequest {
  name: string;
  bytes: string;
}

const inner = 'GET /apps/notes/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n';
const post = (lines: readonly string[], body: string, version = 'HTTP/1.1'): string =>
  `POST /apps/notes/outer ${version}\r\nHost: localhost\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n${body}`;
const chunked = `0\r\n\r\n${inner}`;

export const smugglingCorpus: readonly HostileRequest[] = [
  { name: 'CL and TE', bytes: post(['Content-Length: 5', 'Transfer-Encoding: chunked'], chunked) },
  { name: 'TE and CL', bytes: post(['Transfer-Encoding: chunked', 'Content-Length: 5'], chunked) },
  { name: 'two different lengths', bytes: post(['Content-Length: 5', 'Content-Length: 60'], chunked) },
  { name: 'two equal lengths', bytes: post(['Content-Length: 5', 'Content-Length: 5'], chunked) },
  { name: 'a list of lengths', bytes: post(['Content-Length: 5, 5'], chunked) },
  { name: 'a length with a sign', bytes: post(['Content-Length: +5'], chunked) },
  { name: 'a negative length', bytes: post(['Content-Length: -5'], chunked) },
  { name: 'a length in hexadecimal', bytes: post(['Content-Length: 0x5'], chunked) },
  { name: 'a length beyond numbers', bytes: post(['Content-Length: 99999999999999999999999'], chunked) },
  { name: 'chunked and then identity', bytes: post(['Transfer-Encoding: chunked, identity'], chunked) },
  { name: 'identity', bytes: post(['Transfer-Encoding: identity'], chunked) },
  { name: 'an unknown coding', bytes: post(['Transfer-Encoding: xchunked'], chunked) },
  { name: 'a coding in quotes', bytes: post(['Transfer-Encoding: "chunked"'], chunked) },
  { name: 'a coding behind a control byte', bytes: post(['Transfer-Encoding: \x0bchunked'], chunked) },
  {
    name: 'TE with an underscore beside CL',
    bytes: post(['Transfer-Encoding : chunked', 'Content-Length: 5'], chunked),
  },
  { name: 'a space before the colon', bytes: post(['Content-Length : 5'], chunked) },
  { name: 'a space at the front of a name', bytes: post([' Transfer-Encoding: chunked'], chunked) },
  { name: 'a folded header', bytes: post(['X-A: 1', ' Transfer-Encoding: chunked'], chunked) },
  { name: 'a folded coding', bytes: post(['Transfer-Encoding:', ' chunked'], chunked) },
  {
    name: 'a bare line feed after a header',
    bytes: `POST /apps/notes/outer HTTP/1.1\nHost: localhost\nContent-Length: 5\n\n${chunked}`,
  },
  { name: 'a bare carriage return in a header', bytes: post(['X-A: 1\rTransfer-Encoding: chunked'], chunked) },
  { name: 'NUL in a header', bytes: post(['X-A: 1\0Transfer-Encoding: chunked'], chunked) },
  { name: 'TE over HTTP/1.0', bytes: post(['Transfer-Encoding: chunked'], chunked, 'HTTP/1.0') },
  { name: 'two hosts', bytes: post(['Host: other', 'Content-Length: 0'], inner) },
  { name: 'two equal hosts', bytes: post(['Host: localhost', 'Content-Length: 0'], inner) },
  { name: 'no host', bytes: `GET /apps/notes/outer HTTP/1.1\r\n\r\n${inner}` },
  { name: 'a chunk length that is none', bytes: post(['Transfer-Encoding: chunked'], `g\r\n${inner}`) },
  {
    name: 'a chunk length beyond numbers',
    bytes: post(['Transfer-Encoding: chunked'], `fffffffffffffffff1\r\n${inner}`),
  },
  { name: 'a chunk length with a sign', bytes: post(['Transfer-Encoding: chunked'], `+0\r\n\r\n${inner}`) },
  { name: 'a chunk length in hexadecimal form', bytes: post(['Transfer-Encoding: chunked'], `0x0\r\n\r\n${inner}`) },
  { name: 'a chunk longer than it says', bytes: post(['Transfer-Encoding: chunked'], `1\r\nabc\r\n${inner}`) },
  {
    name: 'a chunk that ends in a bare line feed',
    bytes: post(['Transfer-Encoding: chunked'], `1\r\na\n0\r\n\r\n${inner}`),
  },
  {
    name: 'a chunk line that ends in a bare line feed',
    bytes: post(['Transfer-Encoding: chunked'], `1\na\r\n0\r\n\r\n${inner}`),
  },
  {
    name: 'a chunk extension with a bare line feed',
    bytes: post(['Transfer-Encoding: chunked'], `1;a\nb\r\na\r\n0\r\n\r\n${inner}`),
  },
  {
    name: 'an absolute target at another host',
    bytes: `GET http://other/apps/notes/outer HTTP/1.1\r\nHost: localhost\r\n\r\n${inner}`,
  },
  { name: 'a target without a slash', bytes: `GET apps/notes/outer HTTP/1.1\r\nHost: localhost\r\n\r\n${inner}` },
  { name: 'an unknown version', bytes: `GET /apps/notes/outer HTTP/1.9\r\nHost: localhost\r\n\r\n${inner}` },
  { name: 'HTTP/2 without asking', bytes: `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${inner}` },
];

/** A chunk extension too long to be read to its end. */
export const longExtension: HostileRequest = {
  name: 'a chunk extension of 100 KiB',
  bytes: post(['Transfer-Encoding: chunked'], `1;a=${'b'.repeat(100_000)}\r\na\r\n0\r\n\r\n${inner}`),
};
