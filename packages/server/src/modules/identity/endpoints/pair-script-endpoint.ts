import { readFileSync } from 'node:fs';
import { sendText } from '../../../platform/http/answers.ts';
import type { HttpMount } from '../../../platform/module.ts';

export const pairScriptPath = '/auth/pair.js';

/** What makes a browser a device: the only script of a page that the server draws. */
export const mountPairScript: HttpMount = ({ app }) => {
  let text: string | null = null;
  app.get(pairScriptPath, async (request, reply) => {
    text ??= readFileSync(new URL('./pair.js', import.meta.url), 'utf8');
    reply.header('cache-control', 'no-cache');
    return sendText(request, reply, text, 'text/javascript; charset=utf-8');
  });
};
