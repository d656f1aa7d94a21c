import { createHash, randomBytes } from 'node:crypto';
import { type Dirent, readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { etagMatches, sendText } from './answers.ts';
import { readCookie, sessionCookie } from './credentials.ts';
import { type PageProofs, pageProofHeader, requireWindow } from './page-proof.ts';
import { pageHeaders } from './security-headers.ts';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.wasm': 'application/wasm',
  '.mp3': 'audio/mpeg',
};

/** Paths that belong to doors other than the pages: an unknown one there is a 404, never the application. */
const notPages = /^\/(?:api|auth|mcp|ws|oauth|v1|apps|\.well-known|health|ready|metrics)(?:\/|$)/;

/** Written at the end of a build. */
const buildStamp = '.sources';
/** Between two looks for a newer build. */
const lookEveryMs = 1000;

/** Names with a content hash, as bundlers write them: their bytes never change. */
const hashed = /[-.][A-Za-z0-9_-]{8,}\.[a-z0-9]+$/;
const compress = promisify(brotliCompress);
const nonceMark = '__CSP_NONCE__';
const proofMark = '__ATRIUM_CSRF__';

interface Asset {
  type: string;
  etag: string;
  immutable: boolean;
  bytes: Buffer;
  textual: boolean;
  /** Made when a client first asks for it. */
  brotli: Promise<Buffer> | null;
}

/**
 * The built web application, held in memory and looked up by exact name, so that no request path ever touches the file
 * system. It is read again when it was missing, and when a later build has ended: a server that starts with old pages
 * shows the new ones as soon as they are there. What open pages still ask for of the old ones stays.
 */
export class StaticSite {
  readonly #root: string | null;
  readonly #publicUrl: () => string;
  #assets: Map<string, Asset> = new Map();
  #build = 0;
  #looked = 0;

  readonly #proofs: PageProofs;

  constructor(root: string | null, publicUrl: () => string, proofs: PageProofs) {
    this.#proofs = proofs;
    this.#root = root;
    this.#publicUrl = publicUrl;
    this.#load();
  }

  /** Serves a file or, for a navigation, the application itself. False when the path is not the site's to answer. */
  async serve(request: FastifyRequest, reply: FastifyReply, path: string): Promise<boolean> {
    if (this.#root === null) return false;
    if (!this.#assets.has('/index.html')) this.#load();
    else this.#lookForBuild();
    const asset = path === '/' ? undefined : this.#assets.get(path);
    if (asset !== undefined && path !== '/index.html') {
      await this.#sendAsset(request, reply, asset);
      return true;
    }
    if (notPages.test(path) || !wantsPage(request)) return false;
    requireWindow(request.headers);
    await this.#sendPage(request, reply);
    return true;
  }

  #load(): void {
    if (this.#root === null) return;
    // Looked at first: a build that ends meanwhile is read at the next look.
    this.#build = builtAt(this.#root);
    for (const entry of filesBelow(this.#root)) {
      const full = join(entry.parentPath, entry.name);
      const path = `/${relative(this.#root, full).split(sep).join('/')}`;
      const asset = readAsset(full, path);
      if (asset !== null) this.#assets.set(path, asset);
    }
  }

  #lookForBuild(): void {
    const now = performance.now();
    if (now - this.#looked < lookEveryMs) return;
    this.#looked = now;
    const built = builtAt(this.#root!);
    if (built !== 0 && built !== this.#build) this.#load();
  }

  async #sendPage(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const session = readCookie(request.headers.cookie, sessionCookie);
    const proof = session === null ? '' : this.#proofs.of(session);
    // For the development server, which draws the page itself.
    if (proof !== '') reply.header(pageProofHeader, proof);
    const index = this.#assets.get('/index.html');
    if (index === undefined) {
      reply.code(503).headers({ ...pageHeaders(this.#publicUrl()), 'cache-control': 'no-store' });
      await sendText(request, reply, missingPage, types['.html']!);
      return;
    }
    const text = index.bytes.toString('utf8');
    if (!text.includes(nonceMark)) {
      reply.headers(pageHeaders(this.#publicUrl()));
      await this.#sendAsset(request, reply, index);
      return;
    }
    // A nonce is good for one answer, so this page is neither cached nor compared.
    const nonce = randomBytes(16).toString('base64');
    reply.headers({ ...pageHeaders(this.#publicUrl(), nonce), 'cache-control': 'no-store' });
    await sendText(request, reply, text.replaceAll(nonceMark, nonce).replaceAll(proofMark, proof), index.type);
  }

  async #sendAsset(request: FastifyRequest, reply: FastifyReply, asset: Asset): Promise<void> {
    reply.headers({
      'content-type': asset.type,
      'cache-control': asset.immutable ? 'public, max-age=31536000, immutable' : 'no-cache',
      etag: asset.etag,
      vary: 'Accept-Encoding',
    });
    if (asset.type === types['.js'] || asset.type.startsWith('image/svg'))
      reply.headers(pageHeaders(this.#publicUrl()));
    if (etagMatches(request.headers['if-none-match'], asset.etag)) {
      reply.code(304).send();
      return;
    }
    if (asset.textual && /\bbr\b/.test(String(request.headers['accept-encoding'] ?? ''))) {
      asset.brotli ??= compress(asset.bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 6 } });
      reply.header('content-encoding', 'br').send(await asset.brotli);
    } else reply.send(asset.bytes);
  }
}

/** 0 where no build has ended. */
const builtAt = (root: string): number => statSync(join(root, buildStamp), { throwIfNoEntry: false })?.mtimeMs ?? 0;

const filesBelow = (root: string): Dirent[] => {
  try {
    return readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
};

/** Null when a build that runs has just taken it away. */
const readAsset = (full: string, path: string): Asset | null => {
  let bytes: Buffer;
  try {
    bytes = readFileSync(full);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const type = types[extname(path).toLowerCase()] ?? 'application/octet-stream';
  return {
    type,
    bytes,
    etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 27)}"`,
    immutable: path.startsWith('/assets/') && hashed.test(path),
    textual: /^text|json|svg|javascript/.test(type) && bytes.length > 1024,
    brotli: null,
  };
};

const wantsPage = (request: FastifyRequest): boolean =>
  /text\/html|\*\/\*/.test(request.headers.accept ?? '') && !/\.[a-z0-9]{2,5}$/.test(request.url.split('?', 1)[0]!);

const missingPage = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Atrium</title><link rel="stylesheet" href="/api/docs/docs.css"></head>
<body class="notice"><main><h1>The dashboard is not built yet</h1>
<p>The server runs, and its API is open at <a href="/api/docs">/api/docs</a>. Build the pages once, then load this one again:</p>
<pre><code>npm run build -w packages/web</code></pre></main></body></html>
`;
