import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { sendText } from './answers.ts';
import type { HttpHostOptions } from './http-options.ts';
import { openApiDocument } from './openapi.ts';
import { pageHeaders } from './security-headers.ts';

const read = (name: string): string => readFileSync(new URL(`./docs/${name}`, import.meta.url), 'utf8');

const files = [
  ['/api/docs', 'docs.html', 'text/html; charset=utf-8'],
  ['/api/docs/docs.css', 'docs.css', 'text/css; charset=utf-8'],
  ['/api/docs/docs.js', 'docs.js', 'text/javascript; charset=utf-8'],
] as const;

/** The contract for machines (OpenAPI) and for people (a page that reads it, without any foreign script). */
export const registerDocs = async (app: FastifyInstance, options: HttpHostOptions): Promise<void> => {
  const { config } = options;
  let made: { url: string; text: string } | null = null;

  app.get('/api/openapi.json', async (request, reply) => {
    const url = config.public_url();
    if (made?.url !== url)
      made = {
        url,
        text: JSON.stringify(openApiDocument(options.operations, { public_url: url, version: config.version })),
      };
    reply.headers({
      'cache-control': 'no-cache',
      'access-control-allow-origin': '*',
      'cross-origin-resource-policy': 'cross-origin',
    });
    return sendText(request, reply, made.text, 'application/json; charset=utf-8');
  });

  for (const [path, name, type] of files) {
    let text: string | null = null;
    app.get(path, async (request, reply) => {
      text ??= read(name);
      reply.headers({ 'cache-control': 'no-cache', ...pageHeaders(config.public_url()) });
      return sendText(request, reply, text, type);
    });
  }
};
