import type { Prompt, Resource } from '@modelcontextprotocol/client';
import { AppError } from '../../../platform/errors/app-error.ts';
import type { McpContentSource } from '../../../platform/mcp/mcp-face.ts';
import type { Call } from '../../../platform/operations/call.ts';
import { mayInvoke, personBehind } from '../policy.ts';
import { serversStore } from '../servers-store.ts';
import type { ToolsParts } from '../tools-parts.ts';
import type { ServerRow } from '../tools-rows.ts';
import { UpstreamError, UpstreamRefusal } from './upstream-error.ts';
import type { UpstreamHub } from './upstream-hub.ts';
import type { UpstreamSession } from './upstream-session.ts';

/** A slow server must not hold up the lists of all others. */
const listMs = 5000;
const mostListed = 200;
const uriHead = 'atrium://tools/';

const uriOf = (server: ServerRow, uri: string): string => `${uriHead}${server.slug}/${encodeURIComponent(uri)}`;

const within = <T>(ms: number, act: Promise<T>, otherwise: T): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(otherwise), ms);
  });
  return Promise.race([act, late]).finally(() => clearTimeout(timer));
};

/** Resources and prompts of the servers that may pass them on, under names and addresses of ours. */
export const createPassedContent = ({ database, onError }: ToolsParts, hub: UpstreamHub): McpContentSource => {
  const sessionAt = async (call: Call, server: ServerRow): Promise<UpstreamSession> =>
    (await hub.ready(server, server.auth === 'oauth_person' ? personBehind(call.caller) : null)).session;

  const serversFor = async (call: Call, what: 'pass_resources' | 'pass_prompts'): Promise<ServerRow[]> =>
    mayInvoke(call.caller)
      ? (await serversStore.passing(database.read, call.caller.org_id)).filter((server) => server[what])
      : [];

  /** What one server has; nothing when it cannot be asked now. */
  const listed = async <T>(
    call: Call,
    server: ServerRow,
    list: (session: UpstreamSession) => Promise<T[]>,
  ): Promise<T[]> => {
    try {
      return (await within(listMs, sessionAt(call, server).then(list), [])).slice(0, mostListed);
    } catch (error) {
      if (!(error instanceof UpstreamError || error instanceof UpstreamRefusal))
        onError(error, 'an MCP server could not be listed');
      return [];
    }
  };

  const told = async <T extends object>(server: ServerRow, act: () => Promise<T>): Promise<T> => {
    try {
      const result = await act();
      if (Buffer.byteLength(JSON.stringify(result)) <= server.max_result_bytes) return result;
    } catch (error) {
      if (!(error instanceof UpstreamError || error instanceof UpstreamRefusal)) throw error;
      throw new AppError('tool_server_unavailable', `${server.name}: ${error.message}`.slice(0, 600), { cause: error });
    }
    throw new AppError(
      'tool_server_unavailable',
      `${server.name}: the answer is longer than ${server.max_result_bytes} bytes.`,
    );
  };

  return {
    resources: async (call) => {
      const servers = await serversFor(call, 'pass_resources');
      const lists = await Promise.all(
        servers.map(async (server) =>
          (await listed(call, server, (session) => session.listResources())).map(
            ({ uri, name, title, description, mimeType }): Resource => ({
              ...{ uri: uriOf(server, uri), name: `${server.slug}: ${name}` },
              ...(title === undefined ? {} : { title }),
              ...(description === undefined ? {} : { description }),
              ...(mimeType === undefined ? {} : { mimeType }),
            }),
          ),
        ),
      );
      return lists.flat() as never;
    },

    read: async (call, uri) => {
      if (!uri.startsWith(uriHead)) return null;
      const [slug, rest] = uri.slice(uriHead.length).split('/', 2);
      const server = (await serversFor(call, 'pass_resources')).find((one) => one.slug === slug);
      if (server === undefined || rest === undefined || !URL.canParse(uri)) return null;
      const own = decodeURIComponent(rest);
      const result = await told(server, async () => (await sessionAt(call, server)).readResource(own, call.signal));
      return { contents: result.contents.map((content) => ({ ...content, uri: uriOf(server, content.uri) })) } as never;
    },

    prompts: async (call) => {
      const servers = await serversFor(call, 'pass_prompts');
      const lists = await Promise.all(
        servers.map(async (server) =>
          (await listed(call, server, (session) => session.listPrompts())).map(
            (prompt): Prompt => ({ ...prompt, name: `${server.slug}__${prompt.name}` }),
          ),
        ),
      );
      return lists.flat() as never;
    },

    prompt: async (call, name, args) => {
      const at = name.indexOf('__');
      const server = (await serversFor(call, 'pass_prompts')).find((one) => at > 0 && one.slug === name.slice(0, at));
      if (server === undefined) return null;
      const texts = Object.fromEntries(Object.entries(args).map(([key, value]) => [key, String(value)]));
      return (await told(server, async () =>
        (await sessionAt(call, server)).getPrompt(name.slice(at + 2), texts, call.signal),
      )) as never;
    },
  };
};
