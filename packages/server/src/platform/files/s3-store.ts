import { createReadStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { AwsV4Signer } from 'aws4fetch';
import { AppError } from '../errors/app-error.ts';
import { type PlainAnswer, type PlainRequest, plainRequest } from '../net/plain-request.ts';
import { type FileStore, isHash, type StoredFile, withTemporaryFile } from './file-store.ts';

export interface S3Options {
  /** `https://s3.example.org`; requests are path-style, which every S3-compatible server understands. */
  endpoint: string;
  bucket: string;
  region: string;
  access_key_id: string;
  secret_access_key: string;
  /** Put before every object name. */
  prefix?: string;
  /** Where uploads are gathered: S3 wants length and hash before the first byte. */
  temporary: string;
}

const emptyHash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const member = (xml: string, name: string): string | undefined =>
  new RegExp(`<${name}>([^<]*)</${name}>`)
    .exec(xml)?.[1]
    ?.replace(/&(amp|lt|gt|quot|apos);/g, (_, entity: string) => entities[entity]!);

const refuse = async (what: string, answer: PlainAnswer): Promise<never> => {
  const text = (await answer.body.text()).slice(0, 500);
  const full = answer.status === 507 || /<Code>(QuotaExceeded|XMinioStorageFull|InsufficientStorage)/.test(text);
  if (full) throw new AppError('storage_full', undefined, { log: text });
  throw new Error(`S3: ${what} was answered with ${answer.status}: ${text}`);
};

const createSender = (options: S3Options) => {
  const base = `${options.endpoint.replace(/\/$/, '')}/${options.bucket}`;
  return async (
    method: PlainRequest['method'],
    path: string,
    hash: string,
    body?: PlainRequest['body'],
    length?: number,
  ) => {
    const signed = await new AwsV4Signer({
      method,
      url: `${base}${path}`,
      headers: { 'x-amz-content-sha256': hash },
      accessKeyId: options.access_key_id,
      secretAccessKey: options.secret_access_key,
      service: 's3',
      region: options.region,
    }).sign();
    const headers = Object.fromEntries(signed.headers);
    if (length !== undefined) headers['content-length'] = String(length);
    return plainRequest(signed.url, { method, headers, ...(body === undefined ? {} : { body }) });
  };
};

/** Files in an S3-compatible object store. */
export const createS3Store = async (options: S3Options): Promise<FileStore> => {
  await mkdir(options.temporary, { recursive: true, mode: 0o700 });
  const prefix = options.prefix ?? '';
  const send = createSender(options);
  const pathOf = (sha256: string): string => `/${prefix}${sha256}`;

  return {
    put: (stream, { max_bytes }) =>
      withTemporaryFile(options.temporary, stream, max_bytes, async (path, { sha256, size }) => {
        // Sent even when it exists: the new time keeps the sweep for unreferenced files away.
        const answer = await send('PUT', pathOf(sha256), sha256, createReadStream(path), size);
        if (answer.status !== 200) await refuse('PUT', answer);
        await answer.body.dump();
      }),
    get: async (sha256) => {
      if (!isHash(sha256)) return null;
      const answer = await send('GET', pathOf(sha256), emptyHash);
      if (answer.status === 200) return { stream: answer.body, size: Number(answer.headers['content-length']) };
      if (answer.status !== 404) await refuse('GET', answer);
      await answer.body.dump();
      return null;
    },
    stat: async (sha256) => {
      if (!isHash(sha256)) return null;
      const answer = await send('HEAD', pathOf(sha256), emptyHash);
      await answer.body.dump();
      if (answer.status === 404) return null;
      if (answer.status !== 200) throw new Error(`S3: HEAD was answered with ${answer.status}`);
      const modified = new Date(answer.headers['last-modified'] ?? 0);
      return { sha256, size: Number(answer.headers['content-length']), modified };
    },
    delete: async (sha256) => {
      if (!isHash(sha256)) return;
      const answer = await send('DELETE', pathOf(sha256), emptyHash);
      if (answer.status !== 204 && answer.status !== 200 && answer.status !== 404) await refuse('DELETE', answer);
      await answer.body.dump();
    },
    async *list() {
      let token: string | undefined;
      do {
        const query = new URLSearchParams({ 'list-type': '2', prefix });
        if (token !== undefined) query.set('continuation-token', token);
        const answer = await send('GET', `?${query}`, emptyHash);
        if (answer.status !== 200) await refuse('the list', answer);
        const xml = await answer.body.text();
        for (const [, entry] of xml.matchAll(/<Contents>([\s\S]*?)<\/Contents>/g)) yield* fileOf(entry!, prefix);
        token = member(xml, 'IsTruncated') === 'true' ? member(xml, 'NextContinuationToken') : undefined;
      } while (token !== undefined);
    },
  };
};

const fileOf = (entry: string, prefix: string): StoredFile[] => {
  const sha256 = (member(entry, 'Key') ?? '').slice(prefix.length);
  if (!isHash(sha256)) return [];
  return [{ sha256, size: Number(member(entry, 'Size')), modified: new Date(member(entry, 'LastModified') ?? 0) }];
};
