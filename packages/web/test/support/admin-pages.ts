import type { Page } from 'playwright-core';
import { adminAnswers, broken, emptyAnswers, ids, manyAnswers, memberAnswers, recoveryCodes } from './admin-answers.ts';
import { type Answers, problem } from './recorded-api.ts';

export interface AdminPage {
  name: string;
  path: string;
  answers: Answers;
  /** What stands on the page once it is ready. */
  ready: string;
  act?: (page: Page) => Promise<void>;
  /** A variant for the eye; the tests look at one of each kind. */
  variant?: boolean;
}

const press = (name: string) => async (page: Page) => {
  await page.getByRole('button', { name, exact: true }).first().click();
  await page.waitForSelector('[role=dialog]');
};
const openRow = async (page: Page) => {
  const row = page.locator('[role=row][data-row="1"], ul > li:nth-child(2) > button').first();
  await row.click();
  await page.waitForSelector('[role=dialog]');
};
const makeAgent = async (page: Page) => {
  await page.fill('[name=agent-name]', 'Release agent');
  await page.getByRole('button', { name: 'Create and show its key' }).click();
  await page.waitForSelector('text=Shown once');
};
const row = '[role=row][data-row], ul[aria-label] > li > button';
const refused = problem(500, 'internal', 'Internal error', 'Something nobody expected; the log has it.');

/** The pages for agents, people, audit and settings, in the states that a person meets. */
export const adminPages: AdminPage[] = [
  { name: 'welcome', path: '/welcome', answers: emptyAnswers, ready: '[name=agent-name]' },
  {
    name: 'welcome-key',
    path: '/welcome',
    answers: emptyAnswers,
    ready: '[name=agent-name]',
    act: makeAgent,
  },
  { name: 'welcome-connected', path: '/welcome', answers: adminAnswers, ready: 'text=is connected', variant: true },
  { name: 'agents', path: '/agents', answers: adminAnswers, ready: row },
  { name: 'agents-empty', path: '/agents', answers: emptyAnswers, ready: 'text=Agents are the machines' },
  { name: 'agents-many', path: '/agents', answers: manyAnswers, ready: row, variant: true },
  {
    name: 'agents-error',
    path: '/agents',
    answers: {
      ...adminAnswers,
      'GET /api/v1/agents': problem(
        403,
        'permission_denied',
        'Permission denied',
        'This needs the permission items.read.',
      ),
    },
    ready: 'text=Try again',
  },
  { name: 'connect', path: '/agents', answers: adminAnswers, ready: row, act: press('Connect an agent') },
  {
    name: 'connect-key',
    path: '/agents',
    answers: adminAnswers,
    ready: row,
    variant: true,
    async act(page) {
      await press('Connect an agent')(page);
      await makeAgent(page);
    },
  },
  { name: 'agent', path: `/agents/${ids.agent}`, answers: adminAnswers, ready: 'text=Calls today' },
  {
    name: 'agent-member',
    path: `/agents/${ids.agent}`,
    answers: memberAnswers,
    ready: 'text=Calls today',
    variant: true,
  },
  {
    name: 'agent-low',
    path: `/agents/${ids.agent}`,
    answers: adminAnswers,
    ready: 'text=Calls today',
    variant: true,
    act: (page) => page.getByText('Delete agent').scrollIntoViewIfNeeded(),
  },
  {
    name: 'rotate',
    path: `/agents/${ids.agent}`,
    answers: adminAnswers,
    ready: 'text=Calls today',
    act: press('Rotate key'),
  },
  { name: 'members', path: '/members', answers: adminAnswers, ready: row },
  { name: 'members-many', path: '/members', answers: manyAnswers, ready: row, variant: true },
  { name: 'member', path: '/members', answers: adminAnswers, ready: row, act: openRow },
  { name: 'members-refused', path: '/members', answers: memberAnswers, ready: 'text=does not include' },
  { name: 'invite', path: '/members', answers: adminAnswers, ready: row, act: press('Invite') },
  {
    name: 'invite-made',
    path: '/members/invitations',
    answers: adminAnswers,
    ready: 'text=Revoked',
    async act(page) {
      await press('Invite')(page);
      await page.fill('[name=invite-email]', 'tom@fjord.example');
      await page.getByRole('button', { name: 'Create invitation' }).click();
      await page.waitForSelector('text=Copy link');
    },
  },
  { name: 'roles', path: '/members/roles', answers: adminAnswers, ready: row },
  { name: 'role', path: `/members/roles/${ids.role}`, answers: adminAnswers, ready: 'text=Other permissions' },
  {
    name: 'role-new-admin',
    path: '/members/roles/new',
    answers: adminAnswers,
    ready: 'text=Other permissions',
    variant: true,
  },
  {
    name: 'role-system',
    path: '/members/roles/01980000-0000-7000-8000-0000000000f1',
    answers: adminAnswers,
    ready: 'text=Built in',
  },
  { name: 'teams', path: '/members/teams', answers: adminAnswers, ready: row },
  { name: 'teams-empty', path: '/members/teams', answers: emptyAnswers, ready: 'text=A team is', variant: true },
  { name: 'team', path: `/members/teams/${ids.team}`, answers: adminAnswers, ready: 'text=Tom Okafor' },
  { name: 'invitations', path: '/members/invitations', answers: adminAnswers, ready: 'text=Revoked' },
  {
    name: 'invitations-empty',
    path: '/members/invitations',
    answers: emptyAnswers,
    ready: 'text=An invitation lets',
    variant: true,
  },
  { name: 'audit', path: '/audit', answers: adminAnswers, ready: row },
  { name: 'audit-empty', path: '/audit', answers: emptyAnswers, ready: 'text=Every change', variant: true },
  { name: 'audit-entry', path: '/audit?action=members.*', answers: adminAnswers, ready: row, act: openRow },
  {
    name: 'audit-intact',
    path: '/audit?span=24h',
    answers: adminAnswers,
    ready: row,
    async act(page) {
      await page.getByRole('button', { name: 'Verify chain' }).click();
      await page.waitForSelector('text=is intact');
    },
  },
  {
    name: 'audit-broken',
    path: '/audit',
    answers: { ...adminAnswers, 'GET /api/v1/audit/verify': { body: broken } },
    ready: row,
    variant: true,
    async act(page) {
      await page.getByRole('button', { name: 'Verify chain' }).click();
      await page.waitForSelector('text=is broken');
    },
  },
  {
    name: 'audit-error',
    path: '/audit',
    answers: { ...adminAnswers, 'GET /api/v1/audit': refused },
    ready: 'main',
    variant: true,
  },
  { name: 'settings', path: '/settings', answers: adminAnswers, ready: 'h1' },
  { name: 'profile', path: '/settings/profile', answers: adminAnswers, ready: 'text=You are here' },
  { name: 'security', path: '/settings/security', answers: adminAnswers, ready: 'text=This device' },
  {
    name: 'security-empty',
    path: '/settings/security',
    answers: emptyAnswers,
    ready: 'text=No key acts',
    variant: true,
  },
  {
    name: 'authenticator',
    path: '/settings/security',
    answers: emptyAnswers,
    ready: 'text=stolen password',
    act: async (page) => {
      await press('Add an authenticator')(page);
      await page.waitForSelector('svg[role=img]');
    },
  },
  {
    name: 'recovery-codes',
    path: '/settings/security',
    answers: emptyAnswers,
    ready: 'text=stolen password',
    async act(page) {
      await press('Add an authenticator')(page);
      await page.fill('[name=code]', '123456');
      await page.getByRole('button', { name: 'Confirm' }).click();
      await page.waitForSelector(`text=${recoveryCodes[0]}`);
    },
  },
  {
    name: 'step-up',
    path: '/settings/security',
    answers: {
      ...adminAnswers,
      'POST /api/v1/me/factors/recovery-codes': problem(403, 'identity_step_up_required', 'Prove again', 'Prove it.', {
        methods: ['totp', 'recovery_code', 'passkey'],
        max_age: 900,
      }),
    },
    ready: 'text=This device',
    act: press('Make new ones'),
  },
  { name: 'privacy', path: '/settings/privacy', answers: adminAnswers, ready: 'text=Download my data' },
  {
    name: 'delete-account',
    path: '/settings/privacy',
    answers: adminAnswers,
    ready: 'text=Download my data',
    act: press('Delete my account'),
  },
  { name: 'new-key', path: '/settings/security', answers: adminAnswers, ready: 'text=laptop', act: press('New key') },
  { name: 'organisation', path: '/settings/organisation', answers: adminAnswers, ready: 'text=Short name' },
  {
    name: 'organisation-delete',
    path: '/settings/organisation',
    answers: adminAnswers,
    ready: 'text=Short name',
    act: press('Delete organisation'),
  },
  { name: 'providers', path: '/settings/providers', answers: adminAnswers, ready: 'text=Vouches for addresses' },
  {
    name: 'providers-empty',
    path: '/settings/providers',
    answers: emptyAnswers,
    ready: 'text=Add a provider',
    variant: true,
  },
  {
    name: 'provider-new',
    path: '/settings/providers',
    answers: adminAnswers,
    ready: 'text=Vouches for addresses',
    act: press('Add a provider'),
  },
  { name: 'rules', path: '/settings/rules', answers: adminAnswers, ready: 'text=Correction window' },
  {
    name: 'rules-member',
    path: '/settings/rules',
    answers: memberAnswers,
    ready: 'text=Correction window',
    variant: true,
  },
  { name: 'usage', path: '/settings/usage', answers: adminAnswers, ready: 'text=8,931' },
  { name: 'usage-unlimited', path: '/settings/usage', answers: emptyAnswers, ready: 'text=no limit', variant: true },
];
