import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

interface Stored {
  bytes: Buffer;
  modified: Date;
}

/** Objects a page of a listing, so that paging is exercised. */
const pageSize = 2;

const list = (objects: Map<string, Stored>, query: URLSearchParams): string => {
  const after = query.get('continuation-token') ?? '';
  const names = [...objects.keys()].filter((name) => name.startsWith(query.get('prefix') ?? '') && name > after).sort();
  const page = names.slice(0, pageSize);
  const contents = page.map((name) => {
    const { bytes, modified } = objects.get(name)!;
    return `<Contents><Key>${name}</Key><LastModified>${modified.toISOString()}</LastModified><Size>${bytes.length}</Size></Contents>`;
  });
  const more = names.length > pageSize;
  const token = more ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : '';
  return `<?xml version="1.0"?><ListBucketResult><IsTruncated>${more}</IsTruncated>${token}${contents.join('')}</ListBucketResult>`;
};

const isSigned = (request: IncomingMessage): boolean =>
  /^AWS4-HMAC-SHA256 Credential=test-key\/\d{8}\/eu-test\/s3\/aws4_request, SignedHeaders=[a-z0-9;-]*host[a-z0-9;-]*, Signature=[0-9a-f]{64}$/.test(
    request.headers.authorization ?? '',
  ) && request.headers['x-amz-date'] !== undefined;

/** As much of S3 as the file store speaks: path-style objects and ListObjectsV2 of one bucket, signed requests only. */
export const startS3 = async () => {
  const objects = new Map<string, Stored>();
  const state = { full: false };

  const answerObject = async (request: IncomingMessage, response: ServerResponse, name: string): Promise<unknown> => {
    const found = objects.get(name);
    if (request.method === 'PUT') {
      const bytes = await buffer(request);
      const hash = createHash('sha256').update(bytes).digest('hex');
      if (hash !== request.headers['x-amz-content-sha256'])
        return response.writeHead(400).end('<Code>XAmzContentSHA256Mismatch</Code>');
      if (state.full) return response.writeHead(507).end('<Error><Code>XMinioStorageFull</Code></Error>');
      objects.set(name, { bytes, modified: new Date() });
      return response.writeHead(200).end();
    }
    if (request.method === 'DELETE') {
      objects.delete(name);
      return response.writeHead(204).end();
    }
    if (found === undefined) return response.writeHead(404).end('<Error><Code>NoSuchKey</Code></Error>');
    response.writeHead(200, { 'content-length': found.bytes.length, 'last-modified': found.modified.toUTCString() });
    return response.end(request.method === 'HEAD' ? undefined : found.bytes);
  };

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://s3');
    const [, bucket, ...rest] = url.pathname.split('/');
    if (!isSigned(request)) return response.writeHead(403).end('<Error><Code>AccessDenied</Code></Error>');
    if (bucket !== 'files') return response.writeHead(404).end('<Error><Code>NoSuchBucket</Code></Error>');
    if (url.searchParams.get('list-type') === '2') return response.writeHead(200).end(list(objects, url.searchParams));
    return void answerObject(request, response, decodeURIComponent(rest.join('/')));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    state,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
