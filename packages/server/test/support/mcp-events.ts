import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';

/** A server made with the SDK of MCP as its guide says, whose tool tells by events how far it is. */
const makeServer = (released: () => Promise<void>): McpServer => {
  const server = new McpServer({ name: 'events', version: '1' });
  server.registerTool('count', { description: 'Counts to three.' }, async (extra) => {
    for (const progress of [1, 2]) {
      await extra.sendNotification({
        method: 'notifications/progress',
        params: { progressToken: extra._meta!.progressToken!, progress, total: 3 },
      });
    }
    await released();
    return { content: [{ type: 'text', text: 'three' }] };
  });
  return server;
};

export interface EventServer {
  port: number;
  /** Lets the tool come to its end. */
  release(): void;
  stop(): void;
}

export const startEventServer = async (): Promise<EventServer> => {
  const waiting: (() => void)[] = [];
  const released = () => new Promise<void>((done) => void waiting.push(done));
  const sessions = new Map<string, StreamableHTTPServerTransport>();
  const server = createServer(async (request, response) => {
    const known = sessions.get(String(request.headers['mcp-session-id']));
    if (known !== undefined) {
      await known.handleRequest(request, response);
      return;
    }
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, transport),
    });
    await makeServer(released).connect(transport as never);
    await transport.handleRequest(request, response);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    port: (server.address() as AddressInfo).port,
    release: () => {
      for (const done of waiting.splice(0)) done();
    },
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};
