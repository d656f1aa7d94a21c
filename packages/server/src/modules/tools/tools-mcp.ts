import { toolsCall } from '@atrium/protocol';
import type { CallToolResult, Tool } from '@modelcontextprotocol/server';
import type { McpToolSource } from '../../platform/mcp/mcp-face.ts';
import { authorize } from '../../platform/operations/authorize.ts';
import type { CallsService } from './calls-service.ts';
import type { OfferedTools } from './offered-tools.ts';
import type { CallRow } from './tools-rows.ts';

/** Clients without a progress token give a tool 60 seconds; the others are told every few seconds that it goes on. */
const shortWaitMs = 45_000;
const longWaitMs = 600_000;

const pending = (row: CallRow): CallToolResult => ({
  isError: true,
  content: [
    {
      type: 'text',
      text: `approval_pending: a person is asked whether ${row.tool} may be called. Call it again with the same arguments to go on waiting, or read the result later with tool_calls_get and the id ${row.id}.`,
    },
  ],
  _meta: { 'atrium/call': row.id },
});

/** Tools of MCP servers at /mcp, beside those of this server. */
export const createToolSource = (calls: CallsService, offered: OfferedTools): McpToolSource => ({
  list: async (caller) => (await offered(caller)) as unknown as Tool[],

  call: async (call, name, args, context) => {
    if (!(await calls.exists(call, name))) return null;
    authorize(toolsCall, call.caller);
    const wait_ms = context.mcpReq._meta?.progressToken === undefined ? shortWaitMs : longWaitMs;
    const { row, result } = await calls.invoke(call, { tool: name, arguments: args, wait_ms });
    return result === null ? pending(row) : (result as unknown as CallToolResult);
  },
});
