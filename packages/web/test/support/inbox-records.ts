import type { ChannelView, Form, InputOf, ItemView, inboxListItems, OutputOf, templatesList } from '@atrium/protocol';
import { me } from './recorded-api.ts';

type Item = ItemView;
type Actor = Item['created_by'];

const uuid = (kind: string, number: number): string =>
  `0198${kind.padStart(4, '0')}-0000-7000-8000-${String(number).padStart(12, '0')}`;
export const now = Date.now();
const ago = (minutes: number): string => new Date(now - minutes * 60_000).toISOString();
const ahead = (minutes: number): string => ago(-minutes);

const agent = (number: number, name: string): Actor => ({ type: 'agent', id: uuid('a9e7', number), name });
export const agents = {
  release: agent(1, 'release-bot'),
  billing: agent(2, 'billing-reconciler'),
  coder: agent(3, 'claude-code on build-07'),
  support: agent(4, 'support-triage'),
};
const tom: Actor = { type: 'user', id: uuid('0053', 2), name: 'Tom Okafor' };
const ada: Actor = { type: 'user', id: uuid('0053', 3), name: 'Ada Brandt' };
const self: Actor = { type: 'user', id: me.principal.id, name: me.principal.name };
const backup: Actor = { type: 'service', id: uuid('5e71', 1), name: 'nightly-backup' };
const channel = (number: number, name: string) => ({ id: uuid('c4a0', number), name });
const deploys = channel(1, 'deploys');
const alerts = channel(2, 'alerts');
const payroll = channel(3, 'payroll');

let next = 1;
/** An item with everything that its schema demands, and what a test says. */
export const item = (change: Partial<Item> & { title: string }, minutes = 5): Item => ({
  id: uuid('17e0', next++),
  kind: 'question',
  message: '',
  level: 'info',
  status: 'open',
  priority: 0,
  form: null,
  approval: null,
  actions: [],
  require: null,
  channel: null,
  tags: [],
  metadata: {},
  created_by: agents.release,
  asked_with: 'api_key',
  step_up: false,
  assignee: null,
  claimed_by: null,
  parent_id: null,
  related_to: [],
  run_id: null,
  call_id: null,
  occurrences: 1,
  first_occurred_at: ago(minutes),
  last_occurred_at: ago(minutes),
  on_timeout: null,
  escalation: [],
  escalated_steps: 0,
  deadline_at: null,
  expires_at: null,
  snoozed_until: null,
  pinned_at: null,
  archived_at: null,
  answered_at: null,
  answered_by: null,
  answer_source: null,
  response: null,
  reply: null,
  approvals: [],
  correctable_until: null,
  generation: 1,
  viewed_at: null,
  watching: false,
  comment_count: 0,
  attachment_count: 0,
  created_at: ago(minutes),
  updated_at: ago(minutes),
  ...change,
});

const diff = `diff --git a/deploy/production.yaml b/deploy/production.yaml
--- a/deploy/production.yaml
+++ b/deploy/production.yaml
@@ -12,9 +12,10 @@ spec:
   replicas: 6
   template:
     containers:
       - name: api
-        image: registry.northwind.example/api:2.4.0
+        image: registry.northwind.example/api:2.4.1
         env:
           - name: FEATURE_LEDGER_V2
-            value: "off"
+            value: "on"
+          - name: LEDGER_SHADOW_WRITES
+            value: "on"
         ports:
           - containerPort: 8080`;

const wizard: Form = {
  title: 'New environment',
  description: 'Three short pages. The environment is made when the last one is sent.',
  submit_label: 'Create environment',
  pages: [
    {
      id: 'basics',
      title: 'What it is for',
      fields: [
        {
          id: 'name',
          type: 'text',
          label: 'Name',
          required: true,
          min_len: 3,
          max_len: 24,
          pattern: '[a-z][a-z0-9-]+',
          help: 'Lower case, digits and dashes. It becomes part of the address.',
        },
        {
          id: 'purpose',
          type: 'radio',
          label: 'Purpose',
          required: true,
          options: [
            { value: 'preview', label: 'Preview of a branch' },
            { value: 'load', label: 'Load test' },
            { value: 'demo', label: 'Demo for a customer' },
          ],
        },
        { id: 'until', type: 'datetime', label: 'Take it down at', required: true },
        { id: 'copies', type: 'number', label: 'Copies', min: 1, max: 12, integer: true, default: 2 },
      ],
    },
    {
      id: 'hosts',
      title: 'Where it runs',
      fields: [
        {
          id: 'hosts',
          type: 'group',
          label: 'Hosts',
          min_rows: 1,
          max_rows: 4,
          fields: [
            { id: 'host', type: 'text', label: 'Host', required: true },
            { id: 'port', type: 'number', label: 'Port', integer: true, min: 1, max: 65_535, default: 8080 },
          ],
        },
        { id: 'share', type: 'slider', label: 'Share of traffic in %', min: 0, max: 100, step: 5, default: 10 },
        { id: 'public', type: 'toggle', label: 'Reachable from outside', help: 'Otherwise only over the VPN.' },
      ],
    },
    {
      id: 'limits',
      title: 'Limits',
      fields: [
        { id: 'confidence', type: 'rating', label: 'How sure are you' },
        { id: 'token', type: 'text', label: 'Registry token', sealed: true },
        { id: 'extra', type: 'json', label: 'Extra settings', default: { region: 'eu-central', tier: 'small' } },
      ],
    },
  ],
};

const yesNo: Form = {
  fields: [{ id: 'go', type: 'yesno', label: 'Deploy now?', required: true, yes_label: 'Deploy', no_label: 'Wait' }],
};

/** A request of an application to one person, as the authorization server puts it. */
export const request = item({
  title: 'Northwind Shop: Pay 120 EUR to Brandt Supplies',
  kind: 'approval',
  level: 'warning',
  priority: 3,
  created_by: { type: 'system', id: null, name: 'Atrium' },
  asked_with: null,
  step_up: true,
  message: [
    '**Northwind Shop** at shop\\.northwind\\.example asks you to approve one transaction. If you did not start this, reject it.',
    '> Pay 120 EUR to Brandt Supplies',
    '- Amount: 120\\.00\n- Currency: EUR',
    'It would be allowed (The REST interface):',
    '- Read items, channels and templates',
  ].join('\n\n'),
  approval: {
    tool: 'transaction',
    arguments: { title: 'Pay 120 EUR to Brandt Supplies', amount: '120.00', currency: 'EUR' },
    allow: { edit: false, respond: false },
    summary: 'Do you approve this for **Northwind Shop**?',
  },
  require: { any_of: [me.principal.id] },
  assignee: self,
  channel: channel(4, 'approvals-000001'),
  expires_at: ahead(4),
  on_timeout: 'expire',
});

export const items = {
  approval: item(
    {
      title: 'Deploy api 2.4.1 to production',
      kind: 'approval',
      level: 'warning',
      priority: 4,
      channel: deploys,
      message:
        'All **214 checks** passed on staging. The change turns the new ledger on for everybody; shadow writes stay on for a week so that it can be turned off again.',
      approval: {
        tool: 'deploy.production',
        arguments: { service: 'api', version: '2.4.1', replicas: 6, drain: true, patch: diff },
        arguments_schema: {
          type: 'object',
          required: ['service', 'version'],
          properties: {
            service: { type: 'string', enum: ['api', 'web', 'worker'], title: 'Service' },
            version: { type: 'string', pattern: '^\\d+\\.\\d+\\.\\d+$', title: 'Version' },
            replicas: { type: 'integer', minimum: 1, maximum: 12, title: 'Replicas' },
            drain: { type: 'boolean', 'x-atrium-type': 'toggle', title: 'Drain connections first' },
            patch: { type: 'string', maxLength: 20_000, title: 'Change' },
          },
        },
        reject_options: [
          {
            name: 'later',
            title: 'Not now',
            description: 'Ask again after the freeze.',
            prompt_fill: 'Wait until Monday 09:00, then ask again.',
          },
          { name: 'wrong', title: 'Wrong version' },
        ],
      },
      expires_at: ahead(22),
      on_timeout: 'deny',
      run_id: null,
      tags: ['release', 'ledger'],
      attachment_count: 1,
      comment_count: 2,
      watching: true,
    },
    8,
  ),
  quorum: item(
    {
      title: 'Delete the 2019 archive bucket (4.2 TB)',
      kind: 'approval',
      level: 'error',
      priority: 3,
      channel: alerts,
      created_by: agents.coder,
      approval: { tool: 'Bash', arguments: { command: 'aws s3 rb s3://northwind-archive-2019 --force' } },
      require: { n: 2, four_eyes: true },
      approvals: [{ by: tom, decision: 'accept', at: ago(3) }],
      deadline_at: ahead(180),
    },
    14,
  ),
  question: item(
    {
      title: 'Which customers should get the price change first?',
      level: 'info',
      created_by: agents.billing,
      channel: payroll,
      message:
        'The new prices are ready. I found **three groups** that differ in how many invoices they have open:\n\n| Group | Customers | Open invoices |\n|---|---:|---:|\n| Pilot | 12 | 3 |\n| Small | 340 | 58 |\n| Everybody | 1,204 | 611 |\n\nStarting with the pilot keeps the risk low; starting with everybody saves two weeks.',
      form: {
        fields: [
          {
            id: 'group',
            type: 'radio',
            label: 'Begin with',
            required: true,
            options: [
              { value: 'pilot', label: 'Pilot, 12 customers' },
              { value: 'small', label: 'Small, 340 customers' },
              { value: 'all', label: 'Everybody' },
            ],
          },
          { id: 'on', type: 'date', label: 'From', required: true },
          { id: 'note', type: 'textarea', label: 'Anything the letter must say', max_len: 400 },
        ],
        submit_label: 'Send answer',
      },
      deadline_at: ahead(60 * 26),
      comment_count: 1,
      viewed_at: ago(20),
    },
    46,
  ),
  yesNo: item(
    {
      title: 'Deploy to production?',
      level: 'warning',
      channel: deploys,
      message: 'Staging has been green for **40 minutes**. Nothing else is waiting in the queue.',
      form: yesNo,
      expires_at: ahead(9),
      claimed_by: { ...ada, until: ahead(2) },
    },
    2,
  ),
  wizard: item(
    { title: 'Set up an environment for the Brandt demo', created_by: agents.coder, form: wizard, priority: 2 },
    95,
  ),
  notice: item(
    {
      title: 'Backup of db-primary took 41 minutes, twice as long as usual',
      kind: 'notice',
      level: 'warning',
      created_by: backup,
      channel: alerts,
      occurrences: 20,
      message: 'The disk of `db-primary` is 91 % full. Last night it was 88 %.',
      actions: [
        { kind: 'open_url', id: 'graph', label: 'Open the graph', url: 'https://grafana.northwind.example/d/disk' },
        { kind: 'reply', id: 'reply', label: 'Tell it what to do', prompt: 'What should the backup do?' },
        { kind: 'ack', id: 'ok', label: 'Seen', style: 'primary' },
      ],
    },
    130,
  ),
  rtl: item(
    {
      title: 'هل نرسل التقرير الشهري إلى جميع الشركاء الآن؟',
      created_by: agents.support,
      form: {
        fields: [
          {
            id: 'to',
            type: 'select',
            label: 'إلى من',
            required: true,
            options: [
              { value: 'all', label: 'الجميع' },
              { value: 'some', label: 'الشركاء الكبار' },
            ],
          },
        ],
      },
    },
    60 * 5,
  ),
} satisfies Record<string, Item>;

export const seven: Item[] = Object.values(items);

export const closed: Item[] = [
  item(
    {
      title: 'Merge the ledger migration?',
      status: 'answered',
      form: yesNo,
      response: { go: true },
      answered_by: self,
      answered_at: ago(0.3),
      answer_source: 'person',
      correctable_until: ahead(0.7),
      channel: deploys,
      viewed_at: ago(2),
    },
    4,
  ),
  item(
    {
      title: 'Rotate the signing key',
      kind: 'approval',
      status: 'answered',
      approval: { tool: 'keys.rotate', arguments: { key: 'signing', bits: 4096 } },
      reply: { kind: 'edit', arguments: { key: 'signing', bits: 8192 } },
      answered_by: tom,
      answered_at: ago(50),
      answer_source: 'person',
    },
    70,
  ),
  item({ title: 'Which region for the replica?', status: 'withdrawn', form: yesNo, updated_at: ago(2) }, 75),
  item(
    { title: 'Approve 12 refunds above 500 EUR', status: 'expired', created_by: agents.billing, form: yesNo },
    60 * 30,
  ),
];

const run = (number: number, title: string, level: Item['level'] = 'info') =>
  item({ title, level, run_id: 'nightly-4471', created_by: agents.coder, form: yesNo }, 30 + number);

export const grouped: Item[] = [
  ...seven,
  run(1, 'Keep the three flaky tests quarantined?'),
  run(2, 'Update 14 snapshots of the invoice page?', 'warning'),
  run(3, 'Raise the memory limit of the worker to 2 GB?'),
];

const subjects = [
  'Retry the import of',
  'Refund',
  'Close the ticket of',
  'Send the reminder to',
  'Review the contract with',
];
const customers = [
  'Helvetia Logistics',
  'Ørsted Wind',
  'Müller & Söhne GmbH',
  'Contoso',
  'Nakamura Trading',
  'São Paulo Foods',
];
const levels = ['info', 'info', 'warning', 'success', 'error', 'info', 'info'] as const;

/** Thousands of rows, as a busy night leaves them. */
export const many = (count: number): Item[] =>
  Array.from({ length: count }, (_, index) =>
    item(
      {
        title: `${subjects[index % 5]} ${customers[index % 6]} (no. ${10_000 + index})`,
        level: levels[index % 7]!,
        kind: index % 4 === 0 ? 'notice' : 'question',
        created_by: Object.values(agents)[index % 4]!,
        channel: index % 3 === 0 ? null : [deploys, alerts, payroll][index % 3]!,
        form: index % 4 === 0 ? null : yesNo,
        priority: index % 11 === 0 ? 3 : 0,
        viewed_at: index % 2 ? ago(index) : null,
        ...(index % 9 === 0 ? { expires_at: ahead(40 + index) } : {}),
      },
      2 + index * 3,
    ),
  );

export const history = (of: Item) => [
  { at: of.created_at, actor: of.created_by, action: 'inbox.create', details: { kind: of.kind } },
  { at: ago(7), actor: ada, action: 'inbox.ack', details: {} },
  { at: ago(6), actor: self, action: 'inbox.ack', details: {} },
  ...(of.status === 'answered' && of.answered_by
    ? [
        {
          at: of.answered_at!,
          actor: of.answered_by,
          action: 'inbox.answer',
          details: of.reply ? { decision: of.reply.kind } : {},
        },
      ]
    : []),
];
export const comments = (of: Item) =>
  of.comment_count === 0
    ? []
    : [
        {
          id: uuid('c033', 1),
          item_id: of.id,
          author: ada,
          body: 'The dashboards look fine to me. @Tom Okafor is on call tonight if it goes wrong.',
          created_at: ago(5),
        },
        {
          id: uuid('c033', 2),
          item_id: of.id,
          author: of.created_by,
          body: 'Rollback takes about **90 seconds**.',
          created_at: ago(4),
        },
      ].slice(0, of.comment_count);

const rules = { muted: false, min_level: 'info', sound: 'default', email_enabled: true, email_digest: false } as const;
const view = (number: number, change: Partial<ChannelView> & { name: string }): ChannelView => ({
  id: uuid('c4a0', number),
  description: '',
  mode: 'open',
  team: null,
  critical: false,
  open_items: 0,
  members: 14,
  rules,
  can_manage: true,
  created_at: ago(90_000),
  ...change,
});
export const channels: ChannelView[] = [
  view(1, {
    name: 'deploys',
    description: 'Everything that changes production',
    team: { id: uuid('7ea3', 1), name: 'Platform' },
    open_items: 3,
  }),
  view(2, { name: 'alerts', description: 'What woke somebody up', critical: true, open_items: 2 }),
  view(3, { name: 'payroll', mode: 'private', description: 'Salaries and prices', members: 3, open_items: 1 }),
  view(4, { name: 'general', description: 'What fits nowhere else' }),
  view(5, { name: 'experiments-of-the-pricing-team-2026', rules: { ...rules, muted: true } }),
];

export const members = [self, tom, ada].map((person) => ({
  user_id: person.id!,
  name: person.name,
  added_at: ago(40_000),
}));
export const people = [self, tom, ada].map((person) => ({ id: person.id!, kind: 'user' as const, name: person.name }));

export const templates: OutputOf<typeof templatesList>['items'] = [
  { name: 'environment', description: 'A short-lived environment for a branch, a load test or a demo', form: wizard },
  { name: 'deploy', description: '', form: yesNo },
  { name: 'price-change', description: 'Which customers first, and from when', form: items.question.form! },
].map((template, index) => ({
  ...template,
  id: uuid('7e31', index + 1),
  created_by: index === 1 ? agents.release : self,
  created_at: ago(20_000),
  updated_at: ago(2000 + index * 900),
}));

const tally = (actor: { id: string | null; name: string }, asked: number, answered: number, median: number | null) => ({
  id: actor.id,
  name: actor.name,
  asked,
  answered,
  median_answer_s: median,
});
export const stats = (days: number) => ({
  open_by_level: { info: 9, success: 0, warning: 4, error: 2 },
  answered_today: 31,
  median_answer_s: 148,
  p90_answer_s: 5230,
  per_day: Array.from({ length: days }, (_, index) => {
    const weekend = index % 7 > 4;
    const created = weekend ? 4 : 22 + Math.round(9 * Math.sin(index / 2.3)) + (index % 5);
    return {
      day: new Date(now - (days - 1 - index) * 86_400_000).toISOString().slice(0, 10),
      created,
      answered: Math.round(created * 0.8),
      expired: weekend ? 2 : index % 3,
    };
  }),
  per_agent: [
    tally(agents.release, 212, 190, 75),
    tally(agents.billing, 140, 128, 610),
    tally(agents.coder, 96, 90, 41),
    tally(agents.support, 20, 4, null),
  ],
  per_channel: [tally(deploys, 230, 210, 80), tally(alerts, 120, 90, 300), tally(payroll, 18, 17, 2400)],
  per_person: [tally(self, 0, 180, 92), tally(ada, 0, 141, 205), tally(tom, 0, 66, 4000)],
});

export const agentView = (actor: Actor) => ({
  id: actor.id!,
  name: actor.name,
  description: '',
  kind: 'agent',
  client_id: 'atrium_cl_1',
  role: { id: uuid('00f0', 1), name: 'member', system: 'member' },
  scopes: ['inbox:read', 'inbox:write'],
  item_scope: { kind: 'own' },
  owner: self,
  fingerprint: null,
  key_prefix: 'atk_7Qw2',
  created_at: ago(90_000),
  first_seen_at: ago(80_000),
  last_seen_at: ago(2),
  last_tool: 'inbox_ask',
  last_client: 'Claude Code 3.1',
  calls_total: 1204,
  calls_today: 31,
  deactivated_at: null,
});

export type ListQuery = InputOf<typeof inboxListItems>;
