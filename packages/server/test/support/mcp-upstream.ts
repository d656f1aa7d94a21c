import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import {
  CallToolRequestSchema,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListToolsRequestSchema,
  ReadResourceRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import type { Json } from './rest-client.ts';

export interface UpstreamTool {
  description: string;
  inputSchema?: Json;
  annotations?: Json;
  run: (
    args: Json,
    context: { account: string | null; progress: (n: number) => Promise<void> },
  ) => Promise<Json> | Json;
}

export interface McpUpstream {
  url: string;
  /** May be changed at any time; `tell` says so to who is connected. */
  tools: Record<string, UpstreamTool>;
  tell(): Promise<void>;
  /** Forgets its sessions, as after a restart. */
  forget(): void;
  /** As a proxy in front that loses answers: a tool runs, and the caller gets this status. */
  lost: { status: number; body: Json } | null;
  headers: IncomingMessage['headers'][];
  sessions(): number;
  /** Who is signed in at its authorization server; the browser is sent back at once. */
  account: string;
  tokens: Map<string, { account: string; good: boolean }>;
  endTokens(account: string, and: { refresh: boolean }): void;
  close(): Promise<void>;
}

const textOf = async (request: IncomingMessage): Promise<string> => {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
};
const answer = (response: ServerResponse, status: number, body: Json, headers: Record<string, string> = {}): void => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
};

/** A small authorization server: registration, PKCE, tokens that are used up by a refresh. */
const createAuthorization = (origin: () => string, upstream: () => McpUpstream) => {
  const codes = new Map<string, { challenge: string; redirect: string; account: string; client: string }>();
  const refreshes = new Map<string, string>();
  const issue = (account: string) => {
    const [access, refresh] = [randomBytes(24).toString('base64url'), randomBytes(24).toString('base64url')];
    upstream().tokens.set(access, { account, good: true });
    refreshes.set(refresh, account);
    return { access_token: access, token_type: 'Bearer', expires_in: 3600, refresh_token: refresh };
  };
  return {
    refreshes,
    handle: async (request: IncomingMessage, response: ServerResponse): Promise<boolean> => {
      const url = new URL(request.url!, origin());
      if (url.pathname.startsWith('/.well-known/oauth-protected-resource')) {
        answer(response, 200, { resource: `${origin()}/mcp`, authorization_servers: [origin()] });
      } else if (url.pathname.startsWith('/.well-known/oauth-authorization-server')) {
        answer(response, 200, {
          issuer: origin(),
          authorization_endpoint: `${origin()}/authorize`,
          token_endpoint: `${origin()}/token`,
          registration_endpoint: `${origin()}/register`,
          response_types_supported: ['code'],
          grant_types_supported: ['authorization_code', 'refresh_token'],
          code_challenge_methods_supported: ['S256'],
          token_endpoint_auth_methods_supported: ['none'],
        });
      } else if (url.pathname === '/register') {
        answer(response, 201, { ...JSON.parse(await textOf(request)), client_id: randomBytes(8).toString('hex') });
      } else if (url.pathname === '/authorize') {
        const asked = url.searchParams;
        const code = randomBytes(16).toString('hex');
        const redirect = asked.get('redirect_uri')!;
        codes.set(code, {
          ...{ challenge: asked.get('code_challenge')!, redirect, client: asked.get('client_id')! },
          account: upstream().account,
        });
        const back = new URL(redirect);
        back.searchParams.set('code', code);
        back.searchParams.set('state', asked.get('state')!);
        response.writeHead(302, { location: back.href }).end();
      } else if (url.pathname === '/token') {
        const form = new URLSearchParams(await textOf(request));
        if (form.get('grant_type') === 'refresh_token') {
          const account = refreshes.get(form.get('refresh_token')!);
          refreshes.delete(form.get('refresh_token')!);
          if (account === undefined) answer(response, 400, { error: 'invalid_grant' });
          else answer(response, 200, issue(account));
          return true;
        }
        const kept = codes.get(form.get('code') ?? '');
        codes.delete(form.get('code') ?? '');
        const challenge = createHash('sha256')
          .update(form.get('code_verifier') ?? '')
          .digest('base64url');
        const fits = kept !== undefined && kept.challenge === challenge && kept.redirect === form.get('redirect_uri');
        if (!fits || kept.client !== form.get('client_id')) answer(response, 400, { error: 'invalid_grant' });
        else answer(response, 200, issue(kept.account));
      } else return false;
      return true;
    },
  };
};

/** A real MCP server over HTTP with sessions, whose tools a test changes while it runs. */
export const startMcpUpstream = async (options: { oauth?: boolean } = {}): Promise<McpUpstream> => {
  const sessions = new Map<string, { transport: StreamableHTTPServerTransport; server: Server }>();
  let port = 0;
  const origin = () => `http://127.0.0.1:${port}`;
  const accountOf = (token: string | undefined): string | null => {
    const found = made.tokens.get((token ?? '').replace(/^Bearer /, ''));
    return found?.good === true ? found.account : null;
  };

  const newServer = (): Server => {
    const capabilities = { tools: { listChanged: true }, resources: {}, prompts: {} };
    const server = new Server({ name: 'upstream', version: '1' }, { capabilities });
    server.setRequestHandler(ListToolsRequestSchema, () => ({
      tools: Object.entries(made.tools).map(([name, { description, inputSchema, annotations }]) => ({
        ...{ name, description, annotations },
        inputSchema: { type: 'object' as const, ...inputSchema },
      })),
    }));
    server.setRequestHandler(CallToolRequestSchema, async (request, extra) => {
      const tool = made.tools[request.params.name];
      if (tool === undefined) throw new Error(`no tool ${request.params.name}`);
      const token = request.params._meta?.progressToken;
      const result = await tool.run(request.params.arguments ?? {}, {
        account: accountOf(extra.requestInfo?.headers['authorization'] as string | undefined),
        progress: async (progress) => {
          if (token !== undefined)
            await extra.sendNotification({
              method: 'notifications/progress',
              params: { progressToken: token, progress, total: 3 },
            });
        },
      });
      return typeof result === 'string' ? { content: [{ type: 'text', text: result }] } : result;
    });
    server.setRequestHandler(ListResourcesRequestSchema, () => ({
      resources: [{ uri: 'file:///notes.txt', name: 'Notes', mimeType: 'text/plain' }],
    }));
    server.setRequestHandler(ReadResourceRequestSchema, (request) => ({
      contents: [{ uri: request.params.uri, mimeType: 'text/plain', text: 'remember the milk' }],
    }));
    server.setRequestHandler(ListPromptsRequestSchema, () => ({
      prompts: [{ name: 'greet', description: 'Greets', arguments: [{ name: 'who', required: true }] }],
    }));
    server.setRequestHandler(GetPromptRequestSchema, (request) => ({
      messages: [
        {
          role: 'user' as const,
          content: { type: 'text' as const, text: `Greet ${request.params.arguments?.['who']}` },
        },
      ],
    }));
    return server;
  };

  const mcp = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    made.headers.push(request.headers);
    if (options.oauth === true && accountOf(request.headers.authorization) === null) {
      const metadata = `${origin()}/.well-known/oauth-protected-resource/mcp`;
      return answer(
        response,
        401,
        { error: 'invalid_token' },
        { 'www-authenticate': `Bearer resource_metadata="${metadata}"` },
      );
    }
    const body = request.method === 'POST' ? JSON.parse(await textOf(request)) : undefined;
    const id = request.headers['mcp-session-id'] as string | undefined;
    const known = id === undefined ? undefined : sessions.get(id);
    if (known !== undefined && made.lost !== null && body?.method === 'tools/call') {
      await made.tools[body.params.name]!.run(body.params.arguments, { account: null, progress: async () => {} });
      return answer(response, made.lost.status, made.lost.body);
    }
    if (known !== undefined) return known.transport.handleRequest(request, response, body);
    if (id !== undefined)
      return answer(response, 404, { jsonrpc: '2.0', id: null, error: { code: -32001, message: 'Session not found' } });
    if (body?.method !== 'initialize')
      return answer(response, 400, { jsonrpc: '2.0', id: null, error: { code: -32000, message: 'No session' } });
    const server = newServer();
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomBytes(16).toString('hex'),
      onsessioninitialized: (session) => void sessions.set(session, { transport, server }),
    });
    transport.onclose = () => void (transport.sessionId && sessions.delete(transport.sessionId));
    await server.connect(transport as never);
    return transport.handleRequest(request, response, body);
  };

  const made: McpUpstream = {
    url: '',
    tools: {},
    tell: async () => {
      for (const { server } of sessions.values()) await server.sendToolListChanged();
    },
    forget: () => sessions.clear(),
    lost: null,
    headers: [],
    sessions: () => sessions.size,
    account: 'nobody',
    tokens: new Map(),
    endTokens: (account, { refresh }) => {
      for (const token of made.tokens.values()) if (token.account === account) token.good = false;
      if (refresh)
        for (const [token, of] of authorization.refreshes) if (of === account) authorization.refreshes.delete(token);
    },
    close: () =>
      new Promise((resolve) => {
        http.closeAllConnections();
        http.close(() => resolve());
      }),
  };
  const authorization = createAuthorization(origin, () => made);
  const http = createServer((request, response) => {
    const handle = async () => {
      if (options.oauth === true && (await authorization.handle(request, response))) return;
      if (request.url === '/mcp') return await mcp(request, response);
      answer(response, 404, {});
    };
    handle().catch((error) => {
      if (!response.headersSent) answer(response, 500, { error: String(error) });
    });
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  port = (http.address() as AddressInfo).port;
  made.url = `${origin()}/mcp`;
  return made;
};
