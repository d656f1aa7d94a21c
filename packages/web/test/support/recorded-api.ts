import type { BrowserContext, Page, Route } from 'playwright-core';
import { logMessages } from './log-messages.ts';
import type { ApiHandler, RecordedReply, ServedWeb } from './serve-web.ts';

const time = '2026-11-20T09:00:00.000Z';
const orgId = '01980000-0000-7000-8000-00000000000a';
const org = { id: orgId, name: 'Northwind Trading', slug: 'northwind', is_personal: false, created_at: time };
const user = {
  id: '01980000-0000-7000-8000-000000000001',
  email: 'mara@northwind.example',
  email_verified: true,
  name: 'Mara Lindqvist',
  created_at: time,
};
const owner = { id: '01980000-0000-7000-8000-0000000000f0', name: 'owner', system: 'owner' };

export const me = {
  principal: { type: 'user', id: user.id, name: user.name },
  user,
  org,
  orgs: [
    { ...org, role: owner },
    {
      ...org,
      id: '01980000-0000-7000-8000-00000000000b',
      name: 'Mara Lindqvist',
      slug: 'mara',
      is_personal: true,
      role: owner,
    },
  ],
  role: owner,
  permissions: ['*'],
  scopes: ['*'],
  is_operator: true,
  preferences: {
    theme: 'system',
    density: 'comfortable',
    font_size: 'medium',
    scan_lines: false,
    confirmations: true,
    time_zone: null,
    quiet_hours: null,
    sound: 'default',
    load_remote_images: false,
    alert_rules: [],
  },
};

export const problem = (status: number, code: string, title: string, detail: string, more: object = {}) => ({
  status,
  body: {
    type: `https://atrium.example/errors/${code}`,
    title,
    status,
    code,
    detail,
    instance: '/',
    request_id: 'req_01980000',
    ...more,
  },
});

export type Answers = Record<string, RecordedReply>;

/** What the server answers where no server runs: `METHOD /path` to an answer. Whatever is not named answers 404. */
export const signedInAnswers: Answers = { 'GET /api/v1/me': { body: me } };
export const strangerAnswers: Answers = {
  'GET /api/v1/me': problem(401, 'unauthorized', 'Not signed in', 'No credential.'),
  'GET /api/v1/setup': { body: { done: true, registration: 'invitation', version: '0.1.0' } },
  'GET /auth/methods': {
    body: {
      password: true,
      passkey: true,
      magic_link: true,
      mail: 'smtp',
      providers: [
        { slug: 'github', name: 'GitHub', preset: 'github' },
        { slug: 'house', name: 'House of Northwind', preset: 'oidc' },
      ],
    },
  },
};

/** The handler of answers that never change. */
export const recorded =
  (answers: Answers): ApiHandler =>
  ({ method, url }) => {
    const key = `${method} ${url.pathname}`;
    return answers[key] ?? problem(404, 'not_found', 'Not found', `Nothing answers ${key}.`);
  };

/** Answers these calls of a page in place of its server, to which everything else goes. Returns the end of it. */
export const answerWithin = async (page: Page, answers: Answers): Promise<() => Promise<void>> => {
  const calls = '**/api/v1/**';
  const handler = (route: Route): Promise<void> => {
    const request = route.request();
    const reply = answers[`${request.method()} ${new URL(request.url()).pathname}`];
    if (reply === undefined) return route.fallback();
    return reply.events === undefined
      ? route.fulfill({ status: reply.status ?? 200, json: reply.body })
      : route.fulfill({ contentType: 'text/event-stream', body: ': open\n\n' });
  };
  await page.route(calls, handler);
  return () => page.unroute(calls, handler);
};

/** What the server says first on its socket. */
export const socketReady = (cursor: number): string =>
  JSON.stringify({ type: 'ready', version: 1, user: me.principal, org: { id: org.id, name: org.name }, cursor });

/** A socket on which nothing happens, but that logs which are opened have lines. */
export const quietSocket = (context: BrowserContext): Promise<void> =>
  context.routeWebSocket(/\/ws$/, (socket) => {
    socket.onMessage((message) => {
      const { type, id } = JSON.parse(String(message)) as { type: string; id: string };
      if (type === 'logs.open') for (const answer of logMessages(id)) socket.send(answer);
    });
    socket.send(socketReady(1));
  });

export const answerApi = async (web: ServedWeb, context: BrowserContext, answers: Answers): Promise<void> => {
  await web.answer(context, recorded(answers));
  await quietSocket(context);
};
