import type { ToolCallAsker } from '../tools/index.ts';
import { plain, type QuestionsService } from './questions-service.ts';

/** Calls of tools that wait for a person, as items for them. */
export const createToolQuestionsService = (questions: QuestionsService): ToolCallAsker => ({
  canDecide: questions.canDecide,

  ask: (tx, call, { id, org_id, person_id, tool, server, asked_by, arguments: args, expires_at }) =>
    questions.ask(
      tx,
      call,
      {
        ...{ org_id, person_id, expires_at, level: 'warning' },
        title: `${asked_by} wants to call ${tool}`,
        message: `**${plain(asked_by)}** wants to call the tool **${plain(tool)}** of the MCP server **${plain(server)}**.`,
        summary: `May **${plain(tool)}** be called?`,
        tool,
        arguments: args,
      },
      { kind: 'tool_call', id },
    ),

  withdraw: (tx, call, { id, org_id }) =>
    questions.withdraw(tx, call, org_id, { kind: 'tool_call', id }, 'The call was ended before anybody agreed to it.'),
});
