import {
  alwaysRulesList,
  alwaysRulesRevoke,
  inboxAnswer,
  inboxCorrect,
  inboxGetDraft,
  inboxResponses,
  inboxSaveDraft,
} from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { InboxServices } from '../inbox-services.ts';

/** Answers, their drafts and what they allow from then on. */
export const answersBindings = ({ answers, drafts, responses, rules }: InboxServices): Binding[] => [
  bind(inboxAnswer, (call, input) => answers.answer(call, input)),
  bind(inboxCorrect, (call, input) => answers.correct(call, input)),
  bind(inboxGetDraft, (call, { id }) => drafts.get(call, id)),
  bind(inboxSaveDraft, (call, input) => drafts.save(call, input)),
  bind(inboxResponses, (call, input) => responses.list(call, input)),
  bind(alwaysRulesList, (call, input) => rules.list(call, input)),
  bind(alwaysRulesRevoke, async (call, { id }) => {
    await rules.revoke(call, id);
    return null;
  }),
];
