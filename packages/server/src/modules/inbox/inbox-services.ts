import { createActionsService } from './actions-service.ts';
import { createAnswersService } from './answers-service.ts';
import { createApprovalsService } from './approvals-service.ts';
import { createAskingService } from './asking-service.ts';
import { createBulkService } from './bulk-service.ts';
import { createCreationService } from './creation-service.ts';
import { createDeviceNoticesService } from './device-notices-service.ts';
import { createDraftsService } from './drafts-service.ts';
import type { InboxParts } from './inbox-parts.ts';
import { createInvitationQuestionsService } from './invitation-questions-service.ts';
import { createItemsService } from './items-service.ts';
import { createLifecycleService } from './lifecycle-service.ts';
import { createOrgHooksService } from './org-hooks-service.ts';
import { createQuestionsService } from './questions-service.ts';
import { createResponsesService } from './responses-service.ts';
import { createRulesService } from './rules-service.ts';
import { createScriptQuestionsService } from './script-questions-service.ts';
import { createSigningQuestionsService } from './signing-questions-service.ts';
import { createTimersService } from './timers-service.ts';
import { createToolQuestionsService } from './tool-questions-service.ts';
import { createWaitsService, type WaitLimits } from './waits-service.ts';

/** The services of items, made once and shared by all doors. */
export type InboxServices = ReturnType<typeof createInboxServices>;

export const createInboxServices = (parts: InboxParts, limits?: WaitLimits) => {
  const rules = createRulesService(parts);
  const answers = createAnswersService(parts, rules);
  const creation = createCreationService(parts, answers, rules);
  const waits = createWaitsService(parts, limits);
  const questions = createQuestionsService(parts, creation);
  return {
    rules,
    answers,
    creation,
    waits,
    asking: createAskingService(parts, creation, answers, waits),
    items: createItemsService(parts, creation),
    lifecycle: createLifecycleService(parts),
    timers: createTimersService(parts, answers),
    actions: createActionsService(parts),
    bulk: createBulkService(parts, answers),
    drafts: createDraftsService(parts),
    responses: createResponsesService(parts),
    hooks: createOrgHooksService(parts, creation),
    approvals: createApprovalsService(questions),
    deviceNotices: createDeviceNoticesService(questions),
    signingQuestions: createSigningQuestionsService(questions),
    invitationQuestions: createInvitationQuestionsService(questions),
    scriptQuestions: createScriptQuestionsService(questions),
    toolQuestions: createToolQuestionsService(questions),
  };
};
