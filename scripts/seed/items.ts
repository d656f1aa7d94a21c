import { done, type SeedAgent, type SeedOrganisation, type SeedPerson } from './organisation.ts';

type Input = Record<string, unknown>;

const diff = `--- a/packages/server/src/billing/refund-service.ts
+++ b/packages/server/src/billing/refund-service.ts
@@ -41,9 +41,12 @@ export const refund = async (order: Order, cents: number) => {
-  if (cents > order.total) throw new Error('too much');
-  await ledger.book(order.id, -cents);
+  const left = order.total - (await ledger.refunded(order.id));
+  if (cents > left) throw new RefundError('refund_exceeds_rest', { left });
+  await database.transaction(async (tx) => {
+    await ledger.book(tx, order.id, -cents);
+    await mail.enqueue(tx, 'refund-sent', { order: order.id, cents });
+  });
   return order;
 };
`;

const inDays = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString();

const yesno = { fields: [{ type: 'yesno', id: 'go', label: 'Go ahead?', required: true }] };

const releaseWizard = {
  title: 'Release 4.12',
  description: 'Three short pages. What you enter is kept as a draft until you send it.',
  pages: [
    {
      id: 'scope',
      title: 'What goes out',
      fields: [
        {
          type: 'radio',
          id: 'kind',
          label: 'Kind of release',
          required: true,
          options: [
            { value: 'full', label: 'Full release to all regions' },
            { value: 'canary', label: 'Canary on 5 % of the traffic first' },
          ],
        },
        {
          type: 'multiselect',
          id: 'regions',
          label: 'Regions',
          options: [{ value: 'eu' }, { value: 'us' }, { value: 'ap' }],
        },
      ],
      next: {
        kind: 'conditional',
        field_id: 'kind',
        branches: [{ value: 'canary', page_id: 'canary' }],
        default: 'notes',
      },
    },
    {
      id: 'canary',
      title: 'Canary',
      fields: [
        { type: 'slider', id: 'share', label: 'Share of the traffic in percent', min: 1, max: 50, step: 1, default: 5 },
        { type: 'datetime', id: 'until', label: 'Watch it until' },
      ],
    },
    {
      id: 'notes',
      title: 'Notes for customers',
      fields: [
        { type: 'markdown', id: 'hint', content: 'Keep it to **what changes for them**. Links are fine.' },
        { type: 'textarea', id: 'notes', label: 'Release notes', required: true, max_len: 2000 },
        { type: 'checkbox', id: 'mail', label: 'Send them by mail as well' },
      ],
    },
  ],
  submit_label: 'Release',
};

const everyField = {
  description: 'Everything a form can hold, on one page.',
  fields: [
    { type: 'text', id: 'title', label: 'Title', required: true, placeholder: 'Short and plain' },
    { type: 'number', id: 'seats', label: 'Seats', min: 1, max: 500, integer: true, default: 25 },
    {
      type: 'select',
      id: 'plan',
      label: 'Plan',
      options: [
        { value: 'team', label: 'Team' },
        { value: 'enterprise', label: 'Enterprise' },
      ],
    },
    { type: 'toggle', id: 'trial', label: 'With a trial of 14 days' },
    { type: 'rating', id: 'fit', label: 'How well does it fit?' },
    { type: 'date', id: 'start', label: 'Starts on' },
    { type: 'time', id: 'call', label: 'Best time to call' },
    { type: 'email', id: 'contact', label: 'Contact' },
    { type: 'url', id: 'site', label: 'Web site' },
    { type: 'issuepicker', id: 'issue', label: 'Related issue', suggestions: ['NW-2291', 'NW-2304', 'NW-2317'] },
    { type: 'json', id: 'limits', label: 'Limits', schema: { type: 'object' }, default: { projects: 10 } },
    { type: 'file', id: 'contract', label: 'Signed contract', mime_types: ['application/pdf'] },
    {
      type: 'group',
      id: 'people',
      label: 'People to invite',
      max_rows: 5,
      fields: [
        { type: 'email', id: 'mail', label: 'Mail', required: true },
        { type: 'select', id: 'role', label: 'Role', options: [{ value: 'member' }, { value: 'admin' }] },
      ],
    },
  ],
};

const credentials = {
  description: 'The value is stored encrypted and handed to the agent once.',
  fields: [
    { type: 'text', id: 'registry_token', label: 'Token of the package registry', sealed: true, required: true },
    { type: 'text', id: 'note', label: 'Where it comes from' },
  ],
};

/** Questions and approvals that wait for somebody, the agent that asks, and its input. */
const questions = ({ people, channels }: SeedOrganisation): [keyof SeedOrganisation['agents'], Input][] => {
  const [owner, adaeze, tomas] = people as [SeedPerson, SeedPerson, SeedPerson];
  const run = 'run-2291-refund-rounding';
  return [
    [
      'coder',
      {
        title: 'Apply the fix for refunds that exceed what is left of an order?',
        channel: 'deployments',
        run_id: run,
        priority: 3,
        tags: ['billing', 'NW-2291'],
        approval: {
          tool: 'files.patch',
          arguments: { path: 'packages/server/src/billing/refund-service.ts', diff },
          summary:
            'Two refunds of one order could exceed its total. The rest is now read under the lock of the ledger.',
        },
      },
    ],
    [
      'coder',
      {
        title: 'Review the change before it is merged',
        channel: 'deployments',
        run_id: run,
        form: { fields: [{ type: 'diffapproval', id: 'patch', label: 'refund-service.ts', diff, required: true }] },
      },
    ],
    [
      'coder',
      {
        title: 'Push 4 commits to main?',
        channel: 'deployments',
        run_id: run,
        approval: {
          tool: 'shell.run',
          arguments: { command: 'git push origin main', cwd: '/srv/northwind' },
          arguments_schema: {
            type: 'object',
            properties: { command: { type: 'string' }, cwd: { type: 'string' } },
            required: ['command'],
          },
          reject_options: [
            { name: 'later', title: 'Not before the freeze ends' },
            { name: 'squash', title: 'Squash first', prompt_fill: 'Squash the commits into one, then ask again.' },
          ],
        },
      },
    ],
    [
      'release',
      {
        title: 'Release 4.12: where, how fast, and what do customers read about it?',
        channel: 'deployments',
        form: releaseWizard,
        deadline_at: inDays(1),
        reminders_s: [3600],
        priority: 4,
        level: 'warning',
        assignee: owner.id,
      },
    ],
    [
      'release',
      {
        title:
          'Roll back 4.11.3 in us-east-2? Error rate is at 2.4 % and rising since the last deployment 14 minutes ago',
        channel: 'deployments',
        level: 'error',
        priority: 4,
        form: yesno,
        ttl_ms: 7 * 86_400_000,
        actions: [
          { kind: 'open_url', id: 'graph', label: 'Open the graph', url: 'https://grafana.example.org/d/errors' },
        ],
      },
    ],
    [
      'support',
      {
        title: 'New customer: check what was understood from the call',
        channel: 'customer-success-escalations-emea-and-apac',
        form: everyField,
        tags: ['onboarding'],
      },
    ],
    [
      'support',
      {
        title: 'Refund € 1,240.00 to Brightwater Utilities Cooperative (order 88-20417)?',
        channel: 'payments',
        level: 'warning',
        approval: {
          tool: 'payments.refund',
          arguments: { order: '88-20417', cents: 124_000, reason: 'Delivered twice' },
        },
        require: { n: 2, four_eyes: false },
        tags: ['refund'],
      },
    ],
    [
      'support',
      {
        title: 'Which of the three drafts answers the complaint best?',
        channel: 'customer-success-escalations-emea-and-apac',
        form: {
          fields: [
            {
              type: 'radio',
              id: 'draft',
              label: 'Draft',
              required: true,
              options: [
                { value: 'a', label: 'Apologise, replace, and call on Monday' },
                { value: 'b', label: 'Apologise and refund half' },
                { value: 'c', label: 'Explain the delay; nothing else' },
              ],
            },
            { type: 'textarea', id: 'wish', label: 'Anything to change?' },
          ],
        },
        assignee: tomas.id,
      },
    ],
    [
      'pipeline',
      {
        title: '312 of 48,119 exported rows do not balance. Go on without them?',
        channel: 'infrastructure',
        level: 'warning',
        form: {
          fields: [
            {
              type: 'yesno',
              id: 'go',
              label: 'Go on without these rows?',
              required: true,
              yes_label: 'Go on',
              no_label: 'Stop the export',
            },
          ],
        },
        metadata: { rows: 48_119, wrong: 312 },
        on_timeout: 'expire',
        ttl_ms: 3 * 86_400_000,
      },
    ],
    [
      'pipeline',
      {
        title: 'A token for the package registry is needed',
        channel: 'infrastructure',
        form: credentials,
        assignee: adaeze.id,
      },
    ],
    [
      'house',
      {
        title: 'A courier from Halvorsen Freight waits at the front desk with two pallets',
        channel: 'infrastructure',
        form: {
          fields: [
            {
              type: 'select',
              id: 'where',
              label: 'Where to?',
              required: true,
              options: [
                { value: 'dock', label: 'Loading dock' },
                { value: 'lab', label: 'Lab 2' },
              ],
            },
          ],
        },
        priority: 2,
      },
    ],
    [
      'coder',
      {
        title: 'Which of the two interpretations of "weekly active" is meant in the report?',
        channel: 'research',
        form: {
          fields: [
            {
              type: 'radio',
              id: 'which',
              required: true,
              options: [
                { value: 'calendar', label: 'Calendar weeks, Monday to Sunday' },
                { value: 'rolling', label: 'Any seven days' },
              ],
            },
          ],
        },
        watchers: [adaeze.id],
      },
    ],
    [
      'coder',
      {
        title: 'How good is this summary of the audit interviews?',
        channel: 'research',
        form: {
          fields: [
            { type: 'rating', id: 'stars', label: 'Stars', required: true },
            { type: 'textarea', id: 'why', label: 'Why?' },
          ],
        },
      },
    ],
  ]
    .map((entry) => entry as [keyof SeedOrganisation['agents'], Input])
    .filter(([, input]) => typeof input['channel'] !== 'string' || channels[input['channel']] !== undefined);
};

const templates = [
  { name: 'release', description: 'Where, how fast, and what customers read about it', form: releaseWizard },
  { name: 'go-ahead', description: 'A plain yes or no', form: yesno },
  { name: 'customer-intake', description: '', form: everyField },
  { name: 'credentials', description: 'One secret, handed over once', form: credentials },
];

const levels = ['info', 'success', 'warning', 'error'] as const;

const noticeTitles = [
  'Backup of the customer database finished in 4 min 12 s',
  'Certificate of api.example.org ends in 9 days',
  'Summary of this week’s 41 support conversations is ready',
  'Disk of build-07 is 91 % full',
  'Pull request 2304 was merged: rounding of refunds',
  'Three dependencies have security updates',
  'The nightly export took 38 minutes, twice as long as usual',
  'Invoice run finished: 1,204 sent, 3 bounced',
  'Humidity in lab 2 is above 70 % since 06:10',
  'Draft of the quarterly letter is in the shared folder',
];

/** Notices of the last two days, so that lists need to be scrolled. */
const notices = (): [keyof SeedOrganisation['agents'], Input][] => {
  const askers = ['pipeline', 'release', 'support', 'coder', 'house'] as const;
  const places = ['infrastructure', 'deployments', 'customer-success-escalations-emea-and-apac', 'research'];
  return Array.from({ length: 34 }, (_, n) => [
    askers[n % askers.length]!,
    {
      title: noticeTitles[n % noticeTitles.length]!,
      message:
        n % 3 === 0
          ? `Finished at step ${n}.\n\n- read 12,408 rows\n- wrote 12,396\n- **12 were left out**, see \`export.log\``
          : '',
      level: levels[(n * 7) % 4]!,
      channel: places[n % places.length]!,
      tags: n % 4 === 0 ? ['nightly'] : [],
      ...(n % 5 === 0 ? { run_id: `run-nightly-${n}` } : {}),
      ...(n % 9 === 0 ? { dedupe_key: `disk-${n}` } : {}),
    },
  ]);
};

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAYAAAAf8/9hAAAAH0lEQVR42mNkaPj/n4ECwEiJ5lEDRg0YNWDUgOFgAABtzx/hoHCRrAAAAABJRU5ErkJggg==',
  'base64',
);

const attach = async (
  agent: SeedAgent,
  id: string,
  name: string,
  type: string,
  content: string | Buffer,
): Promise<void> => {
  const form = new FormData();
  form.set('file', new File([typeof content === 'string' ? content : new Uint8Array(content)], name, { type }));
  done(await agent.post(`/api/v1/inbox/items/${id}/attachments`, form));
};

const talk = async (org: SeedOrganisation, id: string): Promise<void> => {
  const [owner, adaeze, tomas] = org.people as [SeedPerson, SeedPerson, SeedPerson];
  const say = async (by: SeedPerson | SeedAgent, body: string, mentions: string[] = []) =>
    done(await by.post(`/api/v1/inbox/items/${id}/comments`, { body, mentions }));
  await say(adaeze, 'Does this also cover orders that were paid in two parts?', [tomas.id]);
  await say(tomas, 'It does: `ledger.refunded` sums over all payments. I ran the cases of NW-2188 again, all green.');
  await say(org.agents.coder, 'I added a test for two refunds at the same instant; the second one is refused now.');
  await say(owner, 'Good. I will look at the diff after lunch.');
};

/** About sixty items of every kind in every state, as agents and people make them. Gives one answered item to copy. */
export const seedItems = async (org: SeedOrganisation): Promise<string> => {
  const [owner, adaeze, tomas] = org.people as [SeedPerson, SeedPerson, SeedPerson];
  const ask = async (by: keyof SeedOrganisation['agents'], input: Input): Promise<string> =>
    done(await org.agents[by].post('/api/v1/inbox/ask', input)).id;
  const act = async (by: SeedPerson | SeedAgent, id: string, what: string, input: Input = {}) =>
    done(await by.post(`/api/v1/inbox/items/${id}/${what}`, input));

  for (const template of templates) done(await owner.post('/api/v1/inbox/templates', template));
  for (const [by, input] of notices()) done(await org.agents[by].post('/api/v1/inbox/notify', input));
  const open: string[] = [];
  for (const [by, input] of questions(org)) open.push(await ask(by, input));

  await talk(org, open[0]!);
  await attach(
    org.agents.coder,
    open[0]!,
    'test-run.txt',
    'text/plain',
    'ok 1 two refunds of one order\nok 2 at the same instant\n',
  );
  await attach(org.agents.coder, open[0]!, 'flame-graph.png', 'image/png', png);
  await attach(
    org.agents.pipeline,
    open[8]!,
    'rows-that-do-not-balance.csv',
    'text/csv',
    'id,left,right\n10441,12.00,12.01\n',
  );
  await act(owner, open[3]!, 'pin');
  await act(tomas, open[5]!, 'claim');
  await act(adaeze, open[6]!, 'answer', { reply: { kind: 'accept' } });
  await act(owner, open[10]!, 'snooze', { until: inDays(1) });
  await act(owner, open[11]!, 'watch').catch(() => null);

  // Closed ones, in each of the ways.
  const answered = await ask('release', {
    title: 'Extend the freeze by one day?',
    channel: 'deployments',
    form: yesno,
  });
  await act(owner, answered, 'answer', { values: { go: true } });
  for (const [n, title] of [
    'Restart the search workers?',
    'Delete 14 stale branches?',
    'Move the retrospective to Thursday?',
    'Upgrade the database of staging to 18.4?',
  ].entries()) {
    const id = await ask('coder', { title, channel: 'infrastructure', form: yesno });
    await act([adaeze, tomas, owner][n % 3]!, id, 'answer', { values: { go: n !== 1 } });
  }
  const refused = await ask('coder', {
    title: 'Drop the table customers_old?',
    channel: 'infrastructure',
    level: 'error',
    approval: { tool: 'database.query', arguments: { sql: 'drop table customers_old' } },
  });
  await act(tomas, refused, 'answer', {
    reply: { kind: 'reject', text: 'Billing still reads it. Ask again after the migration of July.' },
  });
  const edited = await ask('coder', {
    title: 'Run the load test against staging?',
    channel: 'infrastructure',
    approval: { tool: 'shell.run', arguments: { command: 'k6 run --vus 500 load.js' } },
  });
  await act(adaeze, edited, 'answer', { reply: { kind: 'edit', arguments: { command: 'k6 run --vus 50 load.js' } } });
  const allowed = await ask('coder', {
    title: 'Look at the state of the repository?',
    approval: { tool: 'shell.run', arguments: { command: 'git status' } },
  });
  await act(owner, allowed, 'answer', {
    reply: { kind: 'accept', always_allow: { expires_in_s: 86_400, argument_prefix: { command: 'git status' } } },
  });
  const taken = await ask('support', { title: 'Call Mrs. Abernathy back about the invoice?', form: yesno });
  await act(org.agents.support, taken, 'withdraw', { reason: 'She wrote that it was settled.' });
  const dismissed = await ask('house', { title: 'The side door was open for ten minutes', form: yesno });
  await act(tomas, dismissed, 'dismiss');
  await ask('pipeline', { title: 'Repeat the export that was cut off?', form: yesno, ttl_ms: 1000 });
  return answered;
};
