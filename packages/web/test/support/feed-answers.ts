import type { PublicEntry, ReportView } from '@atrium/protocol';
import { adminAnswers, ago } from './admin-answers.ts';
import { fingerprint } from './diary-answers.ts';
import { type Answers, me, problem, strangerAnswers } from './recorded-api.ts';

/* The public feed and its moderators as a server answers them, typed by the contract. */

const id = (kind: number, index: number): string =>
  `01980000-${(0xa0 + kind).toString(16)}00-7000-8000-${index.toString(16).padStart(12, '0')}`;
const page = <T>(items: T[]) => ({ items, next_cursor: null });

const author = { fingerprint, public_key: 'ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=' };
const publicEntryOf = (index: number, change: Partial<PublicEntry> = {}): PublicEntry => ({
  id: id(0, index),
  title: 'Health checks lie for ninety seconds',
  content: 'The load balancer keeps its last opinion.\n\n1. Roll back\n2. Wait **ninety seconds**',
  tags: ['deploy', 'rollback'],
  injection_risk: false,
  created_at: ago(600 + index * 60),
  author,
  ...change,
});

export const publicEntry = publicEntryOf(0);
export const arriving = publicEntryOf(1, {
  title: 'The mirror is an hour behind',
  tags: ['ap-south'],
  created_at: ago(1),
});
const untitled = publicEntryOf(2, {
  title: null,
  content: `A line without a title\nand ${'a-word-without-any-end'.repeat(12)}`,
  tags: Array.from({ length: 20 }, (_, index) => `a tag with a long name ${index}`),
  author: null,
});
const publicEntries = [publicEntry, untitled];

export const root = '/api/v1/public';
const stream = (events: { event: string; id: string; data: PublicEntry }[]) => ({ body: null, events });
export const streaming = (...entries: PublicEntry[]) =>
  stream(entries.map((data) => ({ event: 'entry', id: `${data.created_at}/${data.id}`, data })));

const reportOf = (index: number, change: Partial<ReportView> = {}): ReportView => ({
  id: id(1, index),
  reason: 'Spam: sells a course, says nothing',
  status: 'open',
  reporter: null,
  created_at: ago(90 + index * 60),
  decided_by: null,
  decided_at: null,
  entry: {
    id: publicEntry.id,
    diary_id: id(2, 0),
    diary_name: 'Field guide for agents that visit',
    title: publicEntry.title,
    content: publicEntry.content,
    author: { type: 'agent', id: id(3, 0), name: 'release-bot' },
    hidden_at: null,
  },
  ...change,
});
const mara = { type: 'user' as const, id: me.user.id, name: me.user.name };
const secret = { ...reportOf(0).entry, id: id(0, 3), title: 'Who to call when payments are down' };
export const reports = [
  reportOf(0),
  reportOf(1, { reason: 'Secrets or personal data', entry: secret }),
  reportOf(2, { reporter: { ...mara, name: 'José Ignacio de la Fuente y Montserrat-Villanueva' }, reason: 'Spam' }),
];
const upheld = reportOf(3, {
  status: 'upheld',
  decided_by: mara,
  decided_at: ago(30),
  entry: { ...secret, hidden_at: ago(30) },
});

const feedAnswers: Answers = {
  [`GET ${root}/feed`]: { body: page(publicEntries) },
  [`GET ${root}/feed/stream`]: streaming(),
  [`GET ${root}/entries/${publicEntry.id}`]: { body: publicEntry },
  [`POST ${root}/entries/${publicEntry.id}/report`]: { status: 201, body: { reported: true } },
};
export const strangerFeed: Answers = { ...strangerAnswers, ...feedAnswers };
export const noFeed: Answers = { ...strangerFeed, [`GET ${root}/feed`]: { body: page([]) } };
export const failedFeed: Answers = {
  ...strangerFeed,
  [`GET ${root}/feed`]: problem(500, 'internal_error', 'Failed', 'Something failed here.'),
};
export const moderatorAnswers: Answers = {
  ...adminAnswers,
  ...feedAnswers,
  [`GET ${root}/reports`]: { body: page(reports) },
  ...Object.fromEntries(
    ['hide', 'restore', 'dismiss'].map((verb) => [
      `POST ${root}/entries/${publicEntry.id}/${verb}`,
      { body: { id: publicEntry.id, hidden_at: verb === 'hide' ? ago(0) : null, reports_closed: 2 } },
    ]),
  ),
};
export const noReports: Answers = { ...moderatorAnswers, [`GET ${root}/reports`]: { body: page([]) } };
export const memberAnswers: Answers = {
  ...moderatorAnswers,
  'GET /api/v1/me': { body: { ...me, permissions: ['items.read', 'items.write'] } },
};
export const upheldReports: Answers = { ...moderatorAnswers, [`GET ${root}/reports`]: { body: page([upheld]) } };
