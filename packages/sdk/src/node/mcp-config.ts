import { realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { AgentError } from '../agent/agent-error.ts';
import { configFolder, type Environment, readText, replaceFile } from './config-folder.ts';
import { type TomlTable, tomlTables } from './toml-tables.ts';

export const mcpClients = ['claude-code', 'claude-desktop', 'cursor', 'vscode', 'codex'] as const;
export type McpClient = (typeof mcpClients)[number];

export interface McpConfigOptions {
  /** Folder of the project whose file is written. */
  folder: string;
  /** Origin of the server. */
  url: string;
  /** Whose file; default `claude-code`, whose `.mcp.json` others read as well. */
  client?: McpClient;
  /** The file of the user instead of that of a project. `claude-desktop` has no other. */
  user?: boolean;
  /** Name of the entry; default `atrium`. */
  name?: string;
  /** Replaces an entry of that name that was written by somebody else. */
  force?: boolean;
  /** Where the user's files are. */
  environment?: Environment;
  /**
   * For a client that starts programs alone: what speaks MCP on its standard input and output and finds the secret by
   * itself.
   */
  command?: readonly string[];
}

type Members = Record<string, unknown>;
const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const [idVariable, secretVariable] = ['ATRIUM_CLIENT_ID', 'ATRIUM_CLIENT_SECRET'];

/** Headers that the client fills in from its environment, where `atrium agent env` puts the secret. */
const headersBy = (variable: (name: string) => string): Members => ({
  'X-Client-Id': variable(idVariable),
  'X-Client-Secret': variable(secretVariable),
});
const plainVariable = (name: string): string => `\${${name}}`;
const namedVariable = (name: string): string => `\${env:${name}}`;

interface Place {
  path: string;
  /** Member that holds the servers. */
  list: string;
  entry: Members;
}

const homeOf = (environment: Environment): string => environment['HOME'] || homedir();

const desktopFolder = (environment: Environment): string =>
  process.platform === 'darwin'
    ? join(homeOf(environment), 'Library', 'Application Support', 'Claude')
    : join(configFolder(environment), 'Claude');

const noSuchFile = (what: string): never => {
  throw new AgentError('not_offered', what);
};

const desktopEntry = ({ command, environment = {} }: McpConfigOptions): Members => {
  const [program, ...args] = command ?? noSuchFile('Claude Desktop starts programs alone, and none was named.');
  // It hands on no variable that is not named here.
  const folder = environment['XDG_CONFIG_HOME'];
  return { command: program, args, ...(folder ? { env: { XDG_CONFIG_HOME: folder } } : {}) };
};

const jsonPlace = (client: Exclude<McpClient, 'codex'>, options: McpConfigOptions): Place => {
  const { folder, user = false, environment = {} } = options;
  const url = `${options.url.replace(/\/+$/, '')}/mcp`;
  switch (client) {
    case 'claude-code':
      if (user)
        return noSuchFile('Claude Code keeps the servers of a user among its own state: claude mcp add -s user');
      return {
        path: join(folder, '.mcp.json'),
        list: 'mcpServers',
        entry: { type: 'http', url, headers: headersBy(plainVariable) },
      };
    case 'cursor':
      return {
        path: join(user ? homeOf(environment) : folder, '.cursor', 'mcp.json'),
        list: 'mcpServers',
        entry: { url, headers: headersBy(namedVariable) },
      };
    case 'vscode':
      if (user) return noSuchFile('VS Code keeps the servers of a user in each of its profiles: MCP: Add Server…');
      return {
        path: join(folder, '.vscode', 'mcp.json'),
        list: 'servers',
        entry: { type: 'http', url, headers: headersBy(namedVariable) },
      };
    case 'claude-desktop':
      return {
        path: join(desktopFolder(environment), 'claude_desktop_config.json'),
        list: 'mcpServers',
        entry: desktopEntry(options),
      };
    default:
      return client satisfies never;
  }
};

const leftAsItIs = (path: string, what: string, cause?: unknown): never => {
  throw new AgentError('file_damaged', `${path} ${what}, and is left as it is. Mend it and try again.`, cause);
};

const notOurs = (path: string, name: string): never => {
  throw new AgentError(
    'already_there',
    `${path} has a server "${name}" that was set up otherwise. --force replaces it, --name takes another name.`,
  );
};

/** A link stays a link. */
const targetOf = (path: string): Promise<string> => realpath(path).catch(() => path);

const readMembers = (path: string, list: string, text: string | null): Members => {
  if (text === null || text.trim() === '') return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    return leftAsItIs(path, 'is not JSON', cause);
  }
  if (isMembers(parsed) && (parsed[list] === undefined || isMembers(parsed[list]))) return parsed;
  return leftAsItIs(path, 'has another form than a list of MCP servers');
};

/** Whether an entry is one of ours for whatever server, with what somebody may have added to it. */
const isOurs = (there: unknown, entry: Members): there is Members =>
  isMembers(there) &&
  Object.entries(entry).every(([name, value]) => name === 'url' || isDeepStrictEqual(there[name], value));

const putJson = async ({ path, list, entry }: Place, name: string, force: boolean): Promise<void> => {
  const target = await targetOf(path);
  const members = readMembers(path, list, await readText(target));
  const servers = (members[list] ?? {}) as Members;
  const there = servers[name];
  if (there !== undefined && !isOurs(there, entry) && !force) notOurs(path, name);
  const whole = isOurs(there, entry) ? { ...there, ...entry } : entry;
  const text = JSON.stringify({ ...members, [list]: { ...servers, [name]: whole } }, null, 2);
  await replaceFile(target, `${text}\n`);
};

/* ---------- Codex ---------- */

const tableKey = 'mcp_servers';
const urlLine = (url: string): string => `url = ${JSON.stringify(url)}`;
const headerLine = `env_http_headers = { "X-Client-Id" = "${idVariable}", "X-Client-Secret" = "${secretVariable}" }`;

const startsWith = (path: readonly string[], start: readonly string[]): boolean =>
  start.every((part, at) => path[at] === part);

const readTables = (path: string, text: string): TomlTable[] => {
  try {
    return tomlTables(text);
  } catch (cause) {
    return leftAsItIs(path, 'is not TOML', cause);
  }
};

const putToml = async (path: string, url: string, name: string, force: boolean): Promise<void> => {
  const target = await targetOf(path);
  const text = (await readText(target)) ?? '';
  const own = [tableKey, name];
  const tables = readTables(path, text);
  // Set within another table, where there is no table of its own to replace.
  const within = tables.some(
    (table) =>
      !startsWith(table.path, own) &&
      table.keys.some((key) => {
        const whole = [...table.path, ...key];
        return startsWith(whole, own) || (whole.length === 1 && whole[0] === tableKey);
      }),
  );
  if (within) leftAsItIs(path, 'lists its servers in a form that this program does not change');
  const mine = tables.flatMap((table, at) =>
    startsWith(table.path, own) ? [{ ...table, end: tables[at + 1]?.start ?? text.length }] : [],
  );
  const ours = mine.find((table) => table.path.length === 2 && text.slice(table.start, table.end).includes(headerLine));
  if (mine.length > 0 && ours === undefined && !force) notOurs(path, name);
  const header = `[${tableKey}.${/^[A-Za-z0-9_-]+$/.test(name) ? name : JSON.stringify(name)}]`;
  if (ours !== undefined && !force) {
    // With whatever was added to it: the address alone changes.
    const block = text.slice(ours.start, ours.end).replace(/^url[ \t]*=.*$/m, () => urlLine(url));
    await replaceFile(target, text.slice(0, ours.start) + block + text.slice(ours.end));
    return;
  }
  const rest = [...mine].reverse().reduce((left, { start, end }) => left.slice(0, start) + left.slice(end), text);
  const before = rest.trim() === '' ? '' : `${rest.trimEnd()}\n\n`;
  await replaceFile(target, `${before}${header}\n${urlLine(url)}\n${headerLine}\n`);
};

const codexPath = ({ folder, user = false, environment = {} }: McpConfigOptions): string =>
  join(user ? environment['CODEX_HOME'] || join(homeOf(environment), '.codex') : join(folder, '.codex'), 'config.toml');

/**
 * Puts the server into the file that a client of MCP reads, beside the servers that are there. The secret is not
 * written: clients take it from the environment, or from the program that they start.
 */
export const writeMcpConfig = async (options: McpConfigOptions): Promise<string> => {
  const { client = 'claude-code', name = 'atrium', force = false } = options;
  if (client === 'codex') {
    const path = codexPath(options);
    await putToml(path, `${options.url.replace(/\/+$/, '')}/mcp`, name, force);
    return path;
  }
  const place = jsonPlace(client, options);
  await putJson(place, name, force);
  return place.path;
};
