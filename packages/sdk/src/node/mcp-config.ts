import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError } from '../agent/agent-error.ts';
import { readText, replaceFile } from './config-folder.ts';

export interface McpConfigOptions {
  /** Folder that gets, or has, a `.mcp.json`. */
  folder: string;
  /** Origin of the server. */
  url: string;
  /** Name of the entry; default `atrium`. */
  name?: string;
}

type Members = Record<string, unknown>;
const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const readMembers = (path: string, text: string | null): Members => {
  if (text === null || text.trim() === '') return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new AgentError('file_damaged', `${path} is not JSON, and is left as it is. Mend it and try again.`, cause);
  }
  if (isMembers(parsed) && (parsed['mcpServers'] === undefined || isMembers(parsed['mcpServers']))) return parsed;
  throw new AgentError('file_damaged', `${path} has another form than a list of MCP servers, and is left as it is.`);
};

/**
 * Puts the server into `.mcp.json` of a folder, beside the servers that are there. The secret is not written: the
 * client of MCP takes it from the environment, where `atrium agent env` puts it.
 */
export const writeMcpConfig = async ({ folder, url, name = 'atrium' }: McpConfigOptions): Promise<string> => {
  const given = join(folder, '.mcp.json');
  // A link stays a link.
  const path = await realpath(given).catch(() => given);
  const members = readMembers(given, await readText(path));
  const entry = {
    type: 'http',
    url: `${url.replace(/\/+$/, '')}/mcp`,
    headers: { 'X-Client-Id': `\${ATRIUM_CLIENT_ID}`, 'X-Client-Secret': `\${ATRIUM_CLIENT_SECRET}` },
  };
  const mcpServers = { ...(members['mcpServers'] as Members | undefined), [name]: entry };
  await replaceFile(path, `${JSON.stringify({ ...members, mcpServers }, null, 2)}\n`);
  return given;
};
