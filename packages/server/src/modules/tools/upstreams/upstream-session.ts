import {
  type CallToolResult,
  Client,
  type ClientOptions,
  type Prompt,
  ProtocolError,
  type Resource,
  SdkError,
  SdkErrorCode,
  StreamableHTTPClientTransport,
  type Tool,
  UnauthorizedError,
} from '@modelcontextprotocol/client';
import { TargetRefused } from '../../../platform/net/target-guard.ts';
import type { ServerRow, ServerSecrets } from '../tools-rows.ts';
import { createWebFetch, type WebFetch, type WebFetchOptions } from './guarded-web-fetch.ts';
import type { OauthProvider } from './oauth-provider.ts';
import { StdioTransport } from './stdio-transport.ts';
import { UpstreamError, UpstreamRefusal } from './upstream-error.ts';

const connectMs = 20_000;
const listMs = 30_000;

/** Schemas come from elsewhere: a validator built from them would be code that others write. */
const noValidation: NonNullable<ClientOptions['jsonSchemaValidator']> = {
  getValidator: () => ((data: unknown) => ({ valid: true, data, errorMessage: undefined })) as never,
};

export interface SessionOptions {
  server: ServerRow;
  secrets: ServerSecrets;
  net: Pick<WebFetchOptions, 'guard' | 'resolve'>;
  provider: OauthProvider | null;
  scratch: string;
  version: string;
  onToolsChanged: () => void;
  onClosed: () => void;
}

export interface CallOptions {
  signal: AbortSignal;
  timeout_ms: number;
  onprogress?: (note: { progress: number; total?: number; message?: string }) => void;
}

/** Messages for people: causes named, nothing of what was sent. */
export const upstreamErrorOf = (thrown: unknown): UpstreamError => {
  if (thrown instanceof UpstreamError) return thrown;
  if (thrown instanceof UnauthorizedError) return new UpstreamError('sign_in_needed', 'It asks for a sign-in.', thrown);
  if (thrown instanceof TargetRefused) return new UpstreamError('unavailable', `${thrown.message}.`, thrown);
  if (thrown instanceof SdkError && thrown.code === SdkErrorCode.RequestTimeout)
    return new UpstreamError('timeout', 'It gave no answer in time.', thrown);
  if ((thrown as Error | null)?.name === 'AbortError')
    return new UpstreamError('cancelled', 'The call was given up.', thrown);
  const chain = causesOf(thrown);
  const refused = chain.find((error) => error instanceof TargetRefused || error instanceof UnauthorizedError);
  if (refused !== undefined && refused !== thrown) return upstreamErrorOf(refused);
  const words = [...new Set(chain.map(({ message }) => message).filter((text) => text !== ''))];
  return new UpstreamError('unavailable', words.join(': ').slice(0, 500) || 'It cannot be reached.', thrown);
};

/** An error with what it was made of: the first line of a failed connection says nothing, the last one does. */
const causesOf = (thrown: unknown): Error[] => {
  const chain: Error[] = [];
  for (let error = thrown; error instanceof Error && chain.length < 8; error = error.cause) {
    chain.push(error);
    if (error instanceof AggregateError && error.errors[0] instanceof Error) chain.push(error.errors[0]);
  }
  return chain;
};

/** One connection to an MCP server that has shaken hands. */
export class UpstreamSession {
  lastUsed = 0;
  running = 0;
  listedAt = 0;
  readonly #options: SessionOptions;
  readonly #client: Client;
  readonly #web: WebFetch | null;
  readonly #stdio: StdioTransport | null;
  #http: StreamableHTTPClientTransport | null = null;
  #closed = false;

  private constructor(options: SessionOptions, client: Client, web: WebFetch | null, stdio: StdioTransport | null) {
    this.#options = options;
    this.#client = client;
    this.#web = web;
    this.#stdio = stdio;
  }

  static async open(options: SessionOptions): Promise<UpstreamSession> {
    const { server } = options;
    const changed = { autoRefresh: false, onChanged: () => options.onToolsChanged() };
    const client = new Client(
      { name: 'atrium', title: 'Atrium', version: options.version },
      {
        capabilities: {},
        jsonSchemaValidator: noValidation,
        listChanged: { tools: changed },
        defaultCacheTtlMs: 0,
        // A program hears one handshake: the probe of the newest revision would need a second one.
        versionNegotiation: { mode: server.transport === 'http' ? 'auto' : 'legacy' },
      },
    );
    const web = server.transport === 'http' ? webOf(options) : null;
    const stdio = server.transport === 'stdio' ? stdioOf(options) : null;
    const session = new UpstreamSession(options, client, web, stdio);
    client.onclose = () => session.#gone();
    // Without a listener they would be lost; calls that they end have their own error.
    client.onerror = () => {};
    try {
      if (stdio === null) session.#http = httpOf(options, web!);
      await client.connect((stdio ?? session.#http)!, { timeout: connectMs });
      return session;
    } catch (error) {
      await session.close();
      // Its input breaks before all is read that it said about its end.
      await stdio?.close();
      throw withStderr(upstreamErrorOf(error), session.stderr);
    }
  }

  get stderr(): string | null {
    return this.#stdio === null ? null : this.#stdio.stderr;
  }

  /** The server gave it a name, and may have forgotten that one. */
  get named(): boolean {
    return this.#http?.sessionId !== undefined;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get facts(): { server_name: string; server_version: string; protocol_version: string } {
    const { name = '', version = '' } = this.#client.getServerVersion() ?? {};
    return {
      server_name: tidy(name),
      server_version: tidy(version),
      protocol_version: this.#client.getNegotiatedProtocolVersion() ?? '',
    };
  }

  async listTools(): Promise<Tool[]> {
    if (this.#client.getServerCapabilities()?.tools === undefined) return [];
    return (await this.#ask(() => this.#client.listTools(undefined, { timeout: listMs, cacheMode: 'bypass' }))).tools;
  }

  callTool(name: string, args: Record<string, unknown>, options: CallOptions): Promise<CallToolResult> {
    const { signal, timeout_ms, onprogress } = options;
    return this.#ask(() =>
      this.#client.callTool(
        { name, arguments: args },
        {
          signal,
          timeout: timeout_ms,
          maxTotalTimeout: timeout_ms,
          ...(onprogress && { onprogress: (p) => onprogress(p as never) }),
        },
      ),
    );
  }

  async listResources(): Promise<Resource[]> {
    if (this.#client.getServerCapabilities()?.resources === undefined) return [];
    return (await this.#ask(() => this.#client.listResources(undefined, { timeout: listMs }))).resources;
  }

  readResource(uri: string, signal: AbortSignal) {
    return this.#ask(() => this.#client.readResource({ uri }, { timeout: listMs, signal }));
  }

  async listPrompts(): Promise<Prompt[]> {
    if (this.#client.getServerCapabilities()?.prompts === undefined) return [];
    return (await this.#ask(() => this.#client.listPrompts(undefined, { timeout: listMs }))).prompts;
  }

  getPrompt(name: string, args: Record<string, string>, signal: AbortSignal) {
    return this.#ask(() => this.#client.getPrompt({ name, arguments: args }, { timeout: listMs, signal }));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#client.close().catch(() => {});
    await this.#stdio?.close();
    await this.#web?.close();
  }

  async #ask<T>(act: () => Promise<T>): Promise<T> {
    this.running += 1;
    try {
      return await act();
    } catch (error) {
      throw error instanceof ProtocolError
        ? new UpstreamRefusal(error.code, error.message, error)
        : upstreamErrorOf(error);
    } finally {
      this.running -= 1;
      this.lastUsed = performance.now();
    }
  }

  #gone(): void {
    if (this.#closed) return;
    this.#closed = true;
    void this.#stdio?.close();
    void this.#web?.close();
    this.#options.onClosed();
  }
}

const tidy = (text: string): string => text.replace(/\p{C}/gu, ' ').trim().slice(0, 200);

const withStderr = (error: UpstreamError, stderr: string | null): UpstreamError =>
  stderr === null ? error : Object.assign(error, { stderr });

const webOf = ({ net, server }: SessionOptions): WebFetch =>
  createWebFetch({
    ...net,
    private_host: server.allow_private ? new URL(server.url!).hostname.replace(/^\[|\]$/g, '') : null,
  });

const httpOf = ({ server, secrets, provider }: SessionOptions, web: WebFetch): StreamableHTTPClientTransport =>
  new StreamableHTTPClientTransport(new URL(server.url!), {
    fetch: web.fetch as never,
    requestInit: { headers: server.auth === 'headers' ? secrets.headers : {} },
    ...(provider === null ? {} : { authProvider: provider }),
    onInsufficientScope: 'throw',
    reconnectionOptions: {
      initialReconnectionDelay: 1000,
      maxReconnectionDelay: 60_000,
      reconnectionDelayGrowFactor: 2,
      maxRetries: 10,
    },
  });

const stdioOf = ({ server, secrets, scratch }: SessionOptions): StdioTransport =>
  new StdioTransport({ command: server.command!, args: secrets.args, env: secrets.env, cwd: scratch });
