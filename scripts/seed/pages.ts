import { createAtrium } from '../../packages/sdk/src/index.ts';
import { boardsOwn, morning } from '../../packages/web/test/support/board-answers.ts';
import { containerAnswers, opened as openedContainer } from '../../packages/web/test/support/container-answers.ts';
import { gatewayOwn, notesRoute, streamRoute } from '../../packages/web/test/support/gateway-answers.ts';
import { peerAnswers as peersOwn } from '../../packages/web/test/support/peers-answers.ts';
import type { Answers } from '../../packages/web/test/support/recorded-api.ts';
import { backupScript, runningRun, scriptsOwn } from '../../packages/web/test/support/scripts-answers.ts';
import { releaseRequestId, signingOwn } from '../../packages/web/test/support/signing-answers.ts';
import { forgejo, toolboxOwn } from '../../packages/web/test/support/toolbox-answers.ts';
import { issuesServer, toolsOwn } from '../../packages/web/test/support/tools-answers.ts';
import type { SeededDevices } from './devices.ts';
import type { SeededDiaries } from './diaries.ts';
import type { SeedOrganisation } from './organisation.ts';
import type { SeededServer } from './server.ts';

/** Ids that pages of a seeded server have in their addresses. */
export interface SeededIds extends SeededServer, SeededDiaries, SeededDevices {
  question: string;
  approval: string;
  wizard: string;
  everyField: string;
  answered: string;
  template: string;
  agent: string;
  role: string;
  team: string;
  channel: string;
  invitation: string;
  owner: string;
}

export interface SeededPage {
  name: string;
  /** Its route, as the router of the web app spells it. */
  route: string;
  path: (ids: SeededIds) => string;
  /** Who looks: the owner by default, somebody without a session, or the first visitor of a server without an owner. */
  viewer?: 'owner' | 'stranger' | 'first';
  /** What stands on the page once its data is there. */
  ready: string;
  /** It follows a stream for as long as it is there, so the network is never idle. */
  streams?: true;
  /** What is answered in place of the server: the seed makes nothing of it. */
  answers?: Answers | ((ids: SeededIds) => Answers);
}

export const answersOf = ({ answers }: Pick<SeededPage, 'answers'>, ids: SeededIds): Answers | undefined =>
  typeof answers === 'function' ? answers(ids) : answers;

const row = '[role=row][data-row], ul[aria-label] > li';
const containersOwn = Object.fromEntries(
  Object.entries(containerAnswers).filter(([call]) => call.includes('/api/v1/containers')),
);

/** Every page of the web app. The test of the pages fails when a route of the router is missing here. */
export const seededPages: readonly SeededPage[] = [
  {
    name: 'setup',
    route: '/setup',
    path: () => '/setup?token=one-time-token',
    viewer: 'first',
    ready: '[name=new-password]',
  },
  { name: 'sign-in', route: '/sign-in', path: () => '/sign-in', viewer: 'stranger', ready: '[name=password]' },
  {
    name: 'second-factor',
    route: '/sign-in/factor',
    path: () => '/sign-in/factor#challenge=none',
    viewer: 'stranger',
    ready: '[name=code]',
  },
  {
    name: 'forgotten-password',
    route: '/forgot-password',
    path: () => '/forgot-password',
    viewer: 'stranger',
    ready: '[name=email]',
  },
  {
    name: 'new-password',
    route: '/reset-password',
    path: () => '/reset-password#token=none',
    viewer: 'stranger',
    ready: '[name=new-password]',
  },
  {
    name: 'invite',
    route: '/invite/$code',
    path: (ids) => `/invite/${ids.invitation}`,
    viewer: 'stranger',
    ready: '[name=new-password]',
  },
  { name: 'not-found', route: '*', path: () => '/nowhere', ready: 'h1' },
  { name: 'home', route: '/', path: () => '/', ready: '[data-item]' },
  { name: 'inbox', route: '/inbox', path: () => '/inbox', ready: '[data-item]' },
  { name: 'inbox-done', route: '/inbox', path: () => '/inbox?box=done', ready: '[data-item]' },
  { name: 'question', route: '/inbox/$itemId', path: (ids) => `/inbox/${ids.question}`, ready: 'article h2' },
  { name: 'approval', route: '/inbox/$itemId', path: (ids) => `/inbox/${ids.approval}`, ready: 'article h2' },
  { name: 'wizard', route: '/inbox/$itemId', path: (ids) => `/inbox/${ids.wizard}`, ready: 'article form' },
  { name: 'every-field', route: '/inbox/$itemId', path: (ids) => `/inbox/${ids.everyField}`, ready: 'article form' },
  { name: 'answered', route: '/inbox/$itemId', path: (ids) => `/inbox/${ids.answered}`, ready: '[aria-label=Outcome]' },
  { name: 'answer', route: '/answer/$itemId', path: (ids) => `/answer/${ids.question}`, ready: 'h1' },
  { name: 'channels', route: '/channels', path: () => '/channels', ready: 'ul button' },
  { name: 'channel', route: '/channels', path: (ids) => `/channels?channel=${ids.channel}`, ready: 'h2' },
  { name: 'templates', route: '/templates', path: () => '/templates', ready: 'main ul a' },
  { name: 'template', route: '/templates/$templateId', path: (ids) => `/templates/${ids.template}`, ready: 'textarea' },
  { name: 'diaries', route: '/diaries', path: () => '/diaries', ready: row },
  { name: 'diaries-network', route: '/diaries', path: () => '/diaries?list=network', ready: row },
  {
    name: 'diary',
    route: '/diaries/$id',
    path: (ids) => `/diaries/${ids.diary}?superseded=true`,
    ready: '[data-entry]',
  },
  {
    name: 'diary-search',
    route: '/diaries/$id',
    path: (ids) => `/diaries/${ids.diary}?q=deploy+production`,
    ready: 'mark',
  },
  {
    name: 'diary-entry',
    route: '/diaries/$id/$entryId',
    path: (ids) => `/diaries/${ids.diary}/${ids.entry}`,
    ready: 'article table',
  },
  {
    name: 'diary-entry-superseded',
    route: '/diaries/$id/$entryId',
    path: (ids) => `/diaries/${ids.diary}/${ids.supersededEntry}?superseded=true`,
    ready: 'text=Read what replaced it',
  },
  {
    name: 'diary-as-of',
    route: '/diaries/$id',
    path: (ids) => `/diaries/${ids.diary}?as_of=${new Date(Date.now() - 80 * 3_600_000).toISOString()}`,
    ready: '[data-entry]',
  },
  {
    name: 'diary-digest',
    route: '/diaries/$id/digest',
    path: (ids) => `/diaries/${ids.diary}/digest`,
    ready: '[data-digest] ol',
  },
  {
    name: 'diary-duplicates',
    route: '/diaries/$id/duplicates',
    path: (ids) => `/diaries/${ids.diary}/duplicates`,
    ready: '[data-duplicates] [aria-label=Changes]',
  },
  {
    name: 'diary-signed',
    route: '/diaries/$id/$entryId',
    path: (ids) => `/diaries/${ids.signedDiary}/${ids.signedEntry}`,
    ready: 'article h2',
  },
  {
    name: 'feed-search',
    route: '/feed',
    path: () => '/feed?q=rollback',
    ready: '[aria-label="Public entries that fit"]',
    streams: true,
  },
  {
    name: 'feed',
    route: '/feed',
    path: () => '/feed',
    viewer: 'stranger',
    ready: '[data-public-entry]',
    streams: true,
  },
  {
    name: 'feed-entry',
    route: '/feed/$entryId',
    path: (ids) => `/feed/${ids.publicEntry}`,
    viewer: 'stranger',
    ready: 'article ol',
  },
  { name: 'feed-inside', route: '/feed', path: () => '/feed?tag=deploy', ready: '[data-public-entry]', streams: true },
  { name: 'reports', route: '/diaries/moderation', path: () => '/diaries/moderation', ready: row },
  {
    name: 'reports-upheld',
    route: '/diaries/moderation',
    path: () => '/diaries/moderation?list=upheld',
    ready: row,
  },
  { name: 'search', route: '/search', path: () => '/search?q=deploy', ready: 'mark' },
  { name: 'statistics', route: '/statistics', path: () => '/statistics', ready: '.u-over' },
  { name: 'welcome', route: '/welcome', path: () => '/welcome', ready: 'h1' },
  { name: 'services', route: '/services', path: () => '/services', ready: '[data-service]', answers: gatewayOwn },
  {
    name: 'board',
    route: '/services/$id',
    path: () => `/services/${morning.id}`,
    ready: '[data-tile]',
    answers: boardsOwn,
  },
  {
    name: 'board-arranging',
    route: '/services/$id',
    path: () => `/services/${morning.id}?arrange=true`,
    ready: 'text=Add group',
    answers: boardsOwn,
  },
  { name: 'routes', route: '/routes', path: () => '/routes', ready: row, answers: gatewayOwn },
  {
    name: 'route',
    route: '/routes/$id',
    path: () => `/routes/${notesRoute.id}`,
    ready: '[aria-label="Share links"] li',
    answers: gatewayOwn,
  },
  {
    name: 'route-stream',
    route: '/routes/$id',
    path: () => `/routes/${streamRoute.id}`,
    ready: '[name=stream-port]',
    answers: gatewayOwn,
  },
  {
    name: 'route-tester',
    route: '/routes/test',
    path: () => '/routes/test?url=https%3A%2F%2Fatrium.northwind.example%2Fapps%2Fnotes%2Fboard',
    ready: 'text=Would be asked',
    answers: gatewayOwn,
  },
  {
    name: 'route-versions',
    route: '/routes/versions',
    path: () => '/routes/versions?version=39',
    ready: '[aria-label=Changes]',
    answers: gatewayOwn,
  },
  { name: 'found', route: '/found', path: () => '/found', ready: '[data-proposal]', answers: gatewayOwn },
  { name: 'traffic', route: '/traffic', path: () => '/traffic', ready: '.u-over', answers: gatewayOwn },
  {
    name: 'access-log',
    route: '/traffic/log',
    path: () => '/traffic/log',
    ready: row,
    streams: true,
    answers: gatewayOwn,
  },
  { name: 'toolbox', route: '/toolbox', path: () => '/toolbox', ready: '[data-template]', answers: toolboxOwn },
  {
    name: 'toolbox-template',
    route: '/toolbox/templates/$template',
    path: () => '/toolbox/templates/paperless-ngx',
    ready: 'text=Ports, on 127.0.0.1 alone',
    answers: toolboxOwn,
  },
  {
    name: 'installed',
    route: '/toolbox/installed',
    path: () => '/toolbox/installed',
    ready: '[data-deployment]',
    answers: toolboxOwn,
  },
  {
    name: 'deployment',
    route: '/toolbox/installed/$id',
    path: () => `/toolbox/installed/${forgejo.id}`,
    ready: 'text=Listen:',
    answers: toolboxOwn,
  },
  { name: 'containers', route: '/containers', path: () => '/containers', ready: row, answers: containersOwn },
  {
    name: 'container',
    route: '/containers/$id',
    path: () => `/containers/${openedContainer.id}`,
    ready: 'text=SESSION_SECRET',
    answers: containersOwn,
  },
  { name: 'scripts', route: '/scripts', path: () => '/scripts', ready: '[data-script]', answers: scriptsOwn },
  {
    name: 'script',
    route: '/scripts/$id',
    path: () => `/scripts/${backupScript.id}`,
    ready: 'text=Dry run',
    answers: scriptsOwn,
  },
  {
    name: 'script-runs',
    route: '/scripts/runs',
    path: () => '/scripts/runs',
    ready: '[aria-label=Runs]',
    answers: scriptsOwn,
  },
  {
    name: 'script-run',
    route: '/scripts/runs/$id',
    path: () => `/scripts/runs/${runningRun.id}`,
    ready: 'h1',
    streams: true,
    answers: scriptsOwn,
  },
  {
    name: 'script-chains',
    route: '/scripts/chains',
    path: () => '/scripts/chains',
    ready: '[data-chain]',
    answers: scriptsOwn,
  },
  {
    name: 'script-schedules',
    route: '/scripts/schedules',
    path: () => '/scripts/schedules',
    ready: '[data-schedule]',
    answers: scriptsOwn,
  },
  { name: 'tools', route: '/tools', path: () => '/tools', ready: '[data-server]', answers: toolsOwn },
  {
    name: 'tool-server',
    route: '/tools/servers/$id',
    path: () => `/tools/servers/${issuesServer.id}`,
    ready: '[data-tool]',
    answers: toolsOwn,
  },
  { name: 'tool-calls', route: '/tools/calls', path: () => '/tools/calls', ready: '[data-call]', answers: toolsOwn },
  { name: 'devices', route: '/devices', path: () => '/devices', ready: row },
  {
    name: 'device-page',
    route: '/devices/$id',
    path: (ids) => `/devices/${ids.device}`,
    ready: 'text=Open every app',
  },
  { name: 'agents', route: '/agents', path: () => '/agents', ready: row },
  { name: 'agent', route: '/agents/$id', path: (ids) => `/agents/${ids.agent}`, ready: 'text=Calls today' },
  {
    name: 'agent-identity',
    route: '/agents/$id',
    path: (ids) => `/agents/${ids.keyedAgent}`,
    ready: 'text=Check a signature',
  },
  { name: 'trust', route: '/agents/trust', path: () => '/agents/trust', ready: '[aria-label="Trust graph"] li li' },
  { name: 'members', route: '/members', path: () => '/members', ready: row },
  { name: 'roles', route: '/members/roles', path: () => '/members/roles', ready: row },
  {
    name: 'role',
    route: '/members/roles/$id',
    path: (ids) => `/members/roles/${ids.role}`,
    ready: 'text=Other permissions',
  },
  { name: 'teams', route: '/members/teams', path: () => '/members/teams', ready: row },
  { name: 'team', route: '/members/teams/$id', path: (ids) => `/members/teams/${ids.team}`, ready: 'text=Adaeze' },
  { name: 'invitations', route: '/members/invitations', path: () => '/members/invitations', ready: row },
  { name: 'audit', route: '/audit', path: () => '/audit', ready: row },
  { name: 'settings', route: '/settings', path: () => '/settings', ready: 'h1' },
  { name: 'profile', route: '/settings/profile', path: () => '/settings/profile', ready: 'text=You are here' },
  { name: 'security', route: '/settings/security', path: () => '/settings/security', ready: 'text=This device' },
  {
    name: 'sign',
    route: '/sign/$requestId',
    path: () => `/sign/${releaseRequestId}`,
    ready: 'text=Decline',
    answers: ({ owner }) => signingOwn(owner),
  },
  { name: 'preferences', route: '/settings/preferences', path: () => '/settings/preferences', ready: 'fieldset' },
  {
    name: 'organisation',
    route: '/settings/organisation',
    path: () => '/settings/organisation',
    ready: 'text=Short name',
  },
  { name: 'hooks', route: '/settings/hooks', path: () => '/settings/hooks', ready: '[data-endpoint]' },
  { name: 'rules', route: '/settings/rules', path: () => '/settings/rules', ready: 'text=Correction window' },
  { name: 'privacy', route: '/settings/privacy', path: () => '/settings/privacy', ready: 'h1' },
  {
    name: 'connected-apps',
    route: '/settings/connected-apps',
    path: () => '/settings/connected-apps',
    ready: 'main li',
  },
  { name: 'providers', route: '/settings/providers', path: () => '/settings/providers', ready: 'h1' },
  { name: 'server', route: '/server', path: () => '/server', ready: 'h1' },
  { name: 'server-overview', route: '/server/overview', path: () => '/server/overview', ready: 'h1' },
  { name: 'server-metrics', route: '/server/metrics', path: () => '/server/metrics', ready: '[data-route]' },
  { name: 'server-events', route: '/server/events', path: () => '/server/events', ready: 'h1' },
  { name: 'server-trail', route: '/server/trail', path: () => '/server/trail', ready: 'h1' },
  { name: 'server-clients', route: '/server/clients', path: () => '/server/clients', ready: 'h1' },
  { name: 'server-client', route: '/server/clients/$id', path: (ids) => `/server/clients/${ids.client}`, ready: 'h1' },
  {
    name: 'server-client-certificate',
    route: '/server/clients/$id',
    path: (ids) => `/server/clients/${ids.certificateClient}`,
    ready: 'text=Change name',
  },
  { name: 'server-tokens', route: '/server/tokens', path: () => '/server/tokens', ready: 'h1' },
  { name: 'server-grants', route: '/server/grants', path: () => '/server/grants', ready: 'h1' },
  { name: 'server-device-codes', route: '/server/device-codes', path: () => '/server/device-codes', ready: 'h1' },
  { name: 'server-approvals', route: '/server/approvals', path: () => '/server/approvals', ready: row },
  { name: 'server-registration', route: '/server/registration', path: () => '/server/registration', ready: 'h1' },
  { name: 'server-people', route: '/server/people', path: () => '/server/people', ready: 'h1' },
  { name: 'server-sessions', route: '/server/sessions', path: () => '/server/sessions', ready: 'h1' },
  { name: 'server-keys', route: '/server/keys', path: () => '/server/keys', ready: 'h1' },
  { name: 'server-resources', route: '/server/resources', path: () => '/server/resources', ready: 'h1' },
  { name: 'server-certificates', route: '/server/certificates', path: () => '/server/certificates', ready: 'h1' },
  { name: 'server-backups', route: '/server/backups', path: () => '/server/backups', ready: row },
  { name: 'server-peers', route: '/server/peers', path: () => '/server/peers', ready: row, answers: peersOwn },
  { name: 'server-issuers', route: '/server/issuers', path: () => '/server/issuers', ready: 'h1' },
  { name: 'server-denylist', route: '/server/denylist', path: () => '/server/denylist', ready: 'h1' },
  { name: 'server-reveal', route: '/server/reveal', path: () => '/server/reveal', ready: 'h1' },
  { name: 'usage', route: '/settings/usage', path: () => '/settings/usage', ready: 'h1' },
];

/** What there is to show on a seeded server; throws when the seed no longer makes one of them. */
export const seededIds = async (
  url: string,
  org: SeedOrganisation,
): Promise<Omit<SeededIds, keyof SeededServer | keyof SeededDiaries | keyof SeededDevices>> => {
  const atrium = createAtrium({ url, token: org.owner.token });
  const found = <T>(what: string, list: readonly T[], wanted: (one: T) => boolean): T => {
    const one = list.find(wanted);
    if (one === undefined) throw new Error(`the seed makes no ${what}`);
    return one;
  };
  const { items } = await atrium.inbox.list_items({ status: ['open'], limit: 200 });
  const closed = (await atrium.inbox.list_items({ status: ['answered'], limit: 50 })).items;
  const organisation = { org: 'current', limit: 100 } as const;
  const [templates, agents, roles, teams, channels] = await Promise.all([
    atrium.templates.list({}),
    atrium.agents.list({}),
    atrium.roles.list(organisation),
    atrium.teams.list(organisation),
    atrium.channels.list({}),
  ]);
  const invitation = await atrium.invitations.create({ org: 'current', role: 'member', max_uses: 1 });
  return {
    question: found('question', items, ({ title }) => title.startsWith('Roll back')).id,
    approval: found('approval', items, ({ title }) => title.startsWith('Apply the fix')).id,
    wizard: found('wizard', items, ({ form }) => (form?.pages?.length ?? 0) > 1).id,
    everyField: found('form with every field', items, ({ form }) => (form?.fields?.length ?? 0) > 10).id,
    answered: found('answered approval', closed, ({ title }) => title.startsWith('Run the load test')).id,
    template: found('template', templates.items, ({ name }) => name === 'release').id,
    agent: found('agent', agents.items, ({ id }) => id === org.agents.coder.id).id,
    role: found('custom role', roles.items, ({ system }) => system === null).id,
    team: found('team', teams.items, ({ name }) => name === 'Platform on-call').id,
    channel: found('channel', channels.items, ({ name }) => name === 'payments').id,
    invitation: invitation.invite_code,
    owner: org.owner.id,
  };
};
