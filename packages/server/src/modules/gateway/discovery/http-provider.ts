import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../../platform/clock/clock.ts';
import type { GuardedFetch } from '../../../platform/net/guarded-fetch.ts';
import { sightingsOfDocument } from './http-document.ts';
import { createProviderLoop, type OnScan, type OnState, type Provider, type Run } from './provider.ts';
import type { Sighting, SightingSink } from './sighting.ts';

export interface HttpSettings {
  url: string;
  interval_ms: number;
  /** Being listed there is the approval. */
  trust: boolean;
}

export interface HttpProviderParts {
  settings: HttpSettings;
  sink: SightingSink;
  clock: Clock;
  onState: OnState;
  onScan?: OnScan | undefined;
  fetch: GuardedFetch;
}

const answerMs = 10_000;
const mostBytes = 5 * 1024 * 1024;

const read = async (
  parts: HttpProviderParts,
  run: Run,
  etag: string | null,
): Promise<{ etag: string | null; sightings: Sighting[] } | null> => {
  const { url } = parts.settings;
  const headers = { accept: 'application/json', ...(etag === null ? {} : { 'if-none-match': etag }) };
  const answer = await parts.fetch(url, { headers, timeout_ms: answerMs, max_bytes: mostBytes, signal: run.signal });
  if (answer.status === 304) return null;
  if (answer.status !== 200) throw new Error(`it answered ${answer.status}`);
  const content: unknown = JSON.parse(answer.body.toString('utf8'));
  return { etag: answer.headers['etag'] ?? null, sightings: sightingsOfDocument(url, content) };
};

const follow = async (parts: HttpProviderParts, run: Run, told: Map<string, Sighting>): Promise<void> => {
  const { settings, sink } = parts;
  let etag: string | null = null;
  let waking = new AbortController();
  run.onRescan(() => waking.abort());
  for (;;) {
    const began = performance.now();
    const answer = await read(parts, run, etag);
    run.scanned(began);
    run.up();
    run.heard();
    if (answer === null) for (const sighting of told.values()) sink.sight(sighting);
    else {
      etag = answer.etag;
      const now = new Map(answer.sightings.map((sighting) => [sighting.fingerprint, sighting]));
      for (const fingerprint of told.keys())
        if (!now.has(fingerprint)) {
          told.delete(fingerprint);
          sink.gone('http', fingerprint);
        }
      for (const [fingerprint, found] of now) {
        const sighting = { ...found, trusted: settings.trust };
        if (!isDeepStrictEqual(told.get(fingerprint), sighting)) told.set(fingerprint, sighting);
        sink.sight(sighting);
      }
    }
    waking = new AbortController();
    const signal = AbortSignal.any([run.signal, waking.signal]);
    await sleep(settings.interval_ms, undefined, { signal, ref: false }).catch(() => {});
    if (run.signal.aborted) return;
  }
};

/** Services that a document on the web lists, asked for at an interval. */
export const createHttpProvider = (parts: HttpProviderParts): Provider => {
  const told = new Map<string, Sighting>();
  return createProviderLoop({
    ...{ name: `http ${parts.settings.url}`, kind: 'http', endpoint: parts.settings.url },
    clock: parts.clock,
    onState: parts.onState,
    onScan: parts.onScan,
    attempt: (run) => follow(parts, run, told),
  });
};
