import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Json } from './rest-client.ts';

export interface HookCall {
  id: string;
  at: number;
  signature: string;
  /** As it came, for whoever checks the signature. */
  text: string;
  body: Json;
}

export type HookReply = { status: number; body?: unknown } | 'hang';

export interface HookServer {
  url: string;
  calls: HookCall[];
  /** What the next calls are answered. */
  reply: (call: HookCall) => HookReply;
  /** How many were left without an answer until their caller gave up. */
  abandoned: () => number;
  close(): Promise<void>;
}

/** An operator's service that this server asks or tells. */
export const startHookServer = async (): Promise<HookServer> => {
  let abandoned = 0;
  const http = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const header = (name: string) => String(request.headers[`webhook-${name}`]);
    const call = {
      ...{ id: header('id'), at: Number(header('timestamp')), signature: header('signature'), text },
      body: JSON.parse(text) as Json,
    };
    state.calls.push(call);
    const reply = state.reply(call);
    if (reply === 'hang') {
      response.on('close', () => {
        abandoned += 1;
      });
      return;
    }
    response.writeHead(reply.status, { 'content-type': 'application/json' });
    response.end(reply.body === undefined ? '' : JSON.stringify(reply.body));
  });
  await new Promise<void>((listening) => http.listen(0, '127.0.0.1', listening));
  const state: HookServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/hook?key=of-the-operator`,
    calls: [],
    reply: () => ({ status: 204 }),
    abandoned: () => abandoned,
    close: () =>
      new Promise((closed) => {
        http.close(() => closed());
        http.closeAllConnections();
      }),
  };
  return state;
};
