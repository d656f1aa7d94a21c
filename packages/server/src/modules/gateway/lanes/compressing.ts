import type { Transform } from 'node:stream';
import { codings } from '../rewriting/content-codings.ts';
import { headerOf } from './response-headers.ts';

/** Below it the frame of a coding costs more than it spares. */
const smallest = 256;
/** The best first, of those that a client likes alike: zstd costs least for what it spares. */
const order = ['zstd', 'br', 'gzip'] as const;
type Coding = (typeof order)[number];

const compressible =
  /^(?:text\/|application\/(?:(?:[\w.-]+\+)?(?:json|xml|yaml)|json-seq|x-ndjson|ndjson|jsonl|javascript|x-javascript|ecmascript|graphql|toml|sql|rtf|wasm|manifest|vnd\.ms-fontobject|x-font-ttf|x-sh)$|image\/(?:svg\+xml|bmp|x-icon|vnd\.microsoft\.icon)$|font\/(?:ttf|otf|collection)$|model\/gltf\+json$)/;
const unchanging = new Set([204, 205, 206, 304]);
const noTransform = /(?:^|[\s,])no-transform(?:$|[\s,;])/i;
/** Of the bytes of the body as the app sent them. */
const ofBytes = new Set(['content-length', 'content-md5', 'content-digest', 'repr-digest', 'digest', 'accept-ranges']);

/** The coding that a client likes best of ours; null = none of them (RFC 9110, 12.5.3). */
export const chosenCoding = (accept: string | undefined): Coding | null => {
  if (accept === undefined) return null;
  const weights = new Map<string, number>();
  for (const part of accept.toLowerCase().split(',')) {
    const [name = '', ...parameters] = part.split(';').map((text) => text.trim());
    const quality = parameters.find((text) => text.startsWith('q='));
    const weight = quality === undefined ? 1 : Number(quality.slice(2));
    if (name !== '') weights.set(name, Number.isFinite(weight) ? weight : 0);
  }
  let best: Coding | null = null;
  let most = weights.get('identity') ?? 0;
  for (const name of order) {
    const weight = weights.get(name) ?? weights.get('*') ?? 0;
    if (weight <= 0 || weight < most || (best !== null && weight === most)) continue;
    best = name;
    most = weight;
  }
  return best;
};

const withVary = (headers: readonly string[]): string[] => {
  const at = headers.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === 'vary');
  if (at < 0) return [...headers, 'vary', 'Accept-Encoding'];
  const named = headers[at + 1]!;
  if (/(?:^|[\s,])(?:\*|accept-encoding)(?:$|[\s,])/i.test(named)) return [...headers];
  return headers.with(at + 1, `${named}, Accept-Encoding`);
};

/** In another coding it is another body, which means the same. */
const weakened = (headers: readonly string[]): string[] =>
  headers.map((value, at) =>
    at % 2 === 1 && headers[at - 1]!.toLowerCase() === 'etag' && value.startsWith('"') ? `W/${value}` : value,
  );

export interface Asked {
  accept_encoding: string | undefined;
  cache_control: string | undefined;
  if_none_match: string | undefined;
}

/**
 * How an answer leaves that the app did not compress: its head, and what its body goes through; null leaves the body as it
 * is. What an app sends piece by piece leaves piece by piece, event streams included.
 */
export const compressed = (
  status: number,
  headers: string[],
  asked: Asked,
): { headers: string[]; body: (() => Transform) | null } => {
  const as = { headers, body: null };
  if (status === 304) {
    // The client holds what we sent, which had this tag in its weak form.
    const tag = headerOf(headers, 'etag');
    const ours = tag?.startsWith('"') && asked.if_none_match?.includes(`W/${tag}`) === true;
    return { headers: withVary(ours ? weakened(headers) : headers), body: null };
  }
  if (status < 200 || unchanging.has(status)) return as;
  const type = (headerOf(headers, 'content-type') ?? '').split(';')[0]!.trim().toLowerCase();
  if (!compressible.test(type) || noTransform.test(headerOf(headers, 'cache-control') ?? '')) return as;
  if (headerOf(headers, 'content-range') !== null) return as;
  const coded = (headerOf(headers, 'content-encoding') ?? 'identity').trim().toLowerCase();
  if (coded !== 'identity' && coded !== '') return as;
  const length = headerOf(headers, 'content-length');
  if (length !== null && Number(length) < smallest) return as;
  const varied = withVary(headers);
  const coding = chosenCoding(asked.accept_encoding);
  if (coding === null || noTransform.test(asked.cache_control ?? '')) return { headers: varied, body: null };
  const left: string[] = [];
  for (let at = 0; at < varied.length; at += 2) {
    const name = varied[at]!.toLowerCase();
    if (!ofBytes.has(name) && name !== 'content-encoding') left.push(varied[at]!, varied[at + 1]!);
  }
  return { headers: [...weakened(left), 'content-encoding', coding], body: () => codings[coding]!.encode() };
};
