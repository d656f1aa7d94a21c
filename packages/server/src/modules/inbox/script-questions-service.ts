import type { RunApprovalAsker } from '../gateway/index.ts';
import { plain, type QuestionsService } from './questions-service.ts';

/** Runs of scripts that wait for a person, as items for them. */
export const createScriptQuestionsService = (questions: QuestionsService): RunApprovalAsker => ({
  canDecide: questions.canDecide,

  ask: (tx, call, { id, org_id, person_id, script, asked_by, dry_run, parameters, expires_at }) =>
    questions.ask(
      tx,
      call,
      {
        ...{ org_id, person_id, expires_at, level: 'warning' },
        title: `${asked_by} wants to ${dry_run ? 'try' : 'run'} ${script}`,
        message: `**${plain(asked_by)}** wants to ${dry_run ? 'try' : 'run'} the script **${plain(script)}** on the server.`,
        summary: `May **${plain(script)}** run?`,
        tool: 'scripts_run',
        arguments: { script, ...parameters },
      },
      { kind: 'script_run', id },
    ),

  withdraw: (tx, call, { id, org_id }) =>
    questions.withdraw(tx, call, org_id, { kind: 'script_run', id }, 'The run was ended before anybody agreed to it.'),
});
