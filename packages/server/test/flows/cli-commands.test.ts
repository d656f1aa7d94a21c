import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  callServer,
  ended,
  itemTitled,
  manyCalls,
  newCliHome,
  ownerPassword,
  runCli,
  setUp,
  spawnCli,
} from '../support/cli.ts';
import { type RunningServer, removeDataDir, startServer } from '../support/start-server.ts';

// Dozens of processes, on machines that have other things to do.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

const home = newCliHome();
let server: RunningServer;
let owner: string;
let agentKey: string;
const asAgent = () => ({ env: { ATRIUM_URL: server.url, ATRIUM_TOKEN: agentKey } });
const asOwner = () => ({ env: { ATRIUM_URL: server.url, ATRIUM_TOKEN: owner } });

beforeAll(async () => {
  server = await startServer({ env: manyCalls });
  owner = await setUp(server);
  const made = await callServer(server, owner, 'POST', '/api/v1/agents', {
    name: 'Builder',
    scopes: ['inbox:read', 'inbox:write'],
  });
  agentKey = made.api_key;
}, 60_000);

afterAll(async () => {
  await server.stop();
  removeDataDir(server.dataDir);
  rmSync(home, { recursive: true, force: true });
});

/** Starts a question, answers it as soon as it is in the inbox, and gives what the command ended with. */
const answered = async (title: string, args: string[], answer: unknown, verb = 'answer') => {
  const run = ended(spawnCli(home, ['ask', title, ...args], asAgent()));
  const { id } = await itemTitled(server, owner, title);
  await callServer(server, owner, 'POST', `/api/v1/inbox/items/${id}/${verb}`, answer);
  return run;
};

describe('atrium ask', () => {
  it('prints yes and ends with 0, prints no and ends with 1', async () => {
    expect(await answered('Deploy?', ['--yesno'], { values: { answer: true } })).toEqual({
      code: 0,
      out: 'yes\n',
      err: '',
    });
    expect(await answered('Again?', ['--yesno'], { values: { answer: false } })).toEqual({
      code: 1,
      out: 'no\n',
      err: '',
    });
    const json = await answered('Really?', ['--yesno', '--json'], { values: { answer: false } });
    expect(json.code).toBe(0);
    expect(JSON.parse(json.out)).toEqual({ answer: false });
  });

  it('prints the plain value of one field and JSON of several', async () => {
    expect(await answered('Where?', ['--choice', 'test, live'], { values: { answer: 'live' } })).toMatchObject({
      code: 0,
      out: 'live\n',
    });
    expect(await answered('Which?', ['--choices', 'a,b,c'], { values: { answer: ['a', 'c'] } })).toMatchObject({
      out: 'a\nc\n',
    });
    expect(await answered('How many?', ['--number'], { values: { answer: 3 } })).toMatchObject({ out: '3\n' });
    const several = await answered(
      'Release',
      ['--field', 'version:text:Version', '--field', 'notes?:longtext', '--field', 'env:choice=a|b'],
      {
        values: { version: '1.2', env: 'b' },
      },
    );
    expect(JSON.parse(several.out)).toEqual({ version: '1.2', env: 'b' });
  });

  it('takes a form and a JSON Schema from files', async () => {
    writeFileSync(
      join(home, 'schema.json'),
      JSON.stringify({ type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] }),
    );
    expect(await answered('Schema', ['--schema', '@schema.json'], { values: { n: 5 } })).toMatchObject({
      code: 0,
      out: '5\n',
    });
    writeFileSync(join(home, 'form.json'), JSON.stringify({ fields: [{ id: 'ok', type: 'rating' }] }));
    expect(await answered('Form', ['--form', '@form.json'], { values: { ok: 4 } })).toMatchObject({
      code: 0,
      out: '4\n',
    });
  });

  it('ends with 4 when it is dismissed or rejected, and says by whom and why', async () => {
    expect(await answered('Dismiss me', ['--text'], {}, 'dismiss')).toMatchObject({ code: 4, out: '' });
    const rejected = await answered('Approve me', ['--approve', 'rm', '--arguments', '{"path":"/"}'], {
      reply: { kind: 'reject', text: 'not that one' },
    });
    expect(rejected).toMatchObject({ code: 4, out: 'reject\n' });
    expect(rejected.err).toContain('Ada: not that one');
    expect(await answered('Approve it', ['--approve', 'ls'], { reply: { kind: 'accept' } })).toMatchObject({
      code: 0,
      out: 'accept\n',
    });
  });

  it('ends with 3 when nobody answers in time, and the question is closed then', async () => {
    const run = await runCli(home, ['ask', 'Too late', '--text', '--timeout', '1s'], asAgent());
    expect(run).toMatchObject({ code: 3, out: '' });
    const open = await runCli(home, ['ask', 'Stays open', '--text', '--timeout', '1s', '--keep-open'], asAgent());
    expect(open.code).toBe(3);
    expect(open.err).toMatch(/atrium wait [0-9a-f-]{36}/);
  });

  it('killed and run again with the same key waits for the same question and gets its answer', async () => {
    const args = ['ask', 'Survive', '--text', '--key', 'survive-1'];
    const first = spawnCli(home, args, asAgent());
    const firstEnded = ended(first);
    const { id } = await itemTitled(server, owner, 'Survive');
    first.kill('SIGKILL');
    await firstEnded;
    await callServer(server, owner, 'POST', `/api/v1/inbox/items/${id}/answer`, { values: { answer: 'still here' } });
    expect(await runCli(home, args, asAgent())).toEqual({ code: 0, out: 'still here\n', err: '' });
    expect(await runCli(home, ['wait', id], asAgent())).toMatchObject({ code: 0, out: 'still here\n' });
    const other = await runCli(home, ['ask', 'Another title', '--text', '--key', 'survive-1'], asAgent());
    expect(other.code).toBe(8);
  });

  it('Ctrl-C leaves the question open and says how to go on', async () => {
    const child = spawnCli(home, ['ask', 'Interrupted', '--text'], asAgent());
    const end = ended(child);
    const { id } = await itemTitled(server, owner, 'Interrupted');
    // The item is in the inbox before its id has come back to the process.
    const later = await runCli(home, ['items', 'get', id, '--json'], asAgent());
    expect(later.code).toBe(0);
    child.kill('SIGINT');
    const run = await end;
    expect(run.code).toBe(130);
    expect(run.err).toContain(`atrium wait ${id}`);
  });

  it('refuses contradictions and wrong values with 2, unknown things with 6, strangers with 5, silence with 7', async () => {
    expect(await runCli(home, ['ask', 'x', '--yesno', '--text'], asAgent())).toMatchObject({ code: 2 });
    expect(await runCli(home, ['ask', 'x', '--field', 'a:nonsense'], asAgent())).toMatchObject({ code: 2 });
    expect(await runCli(home, ['ask', 'x', '--level', 'loud'], asAgent())).toMatchObject({ code: 2 });
    expect(await runCli(home, ['ask', 'x', '--channel', 'nowhere'], asAgent())).toMatchObject({ code: 6 });
    expect(await runCli(home, ['wait', '0190a000-0000-7000-8000-000000000000'], asAgent())).toMatchObject({ code: 6 });
    const stranger = { env: { ATRIUM_URL: server.url, ATRIUM_TOKEN: 'atk_wrong' } };
    expect(await runCli(home, ['notify', 'x'], stranger)).toMatchObject({ code: 5 });
    const nobody = { env: { ATRIUM_URL: 'http://127.0.0.1:9', ATRIUM_TOKEN: 'atk_x' } };
    expect(await runCli(home, ['notify', 'x'], nobody)).toMatchObject({ code: 7 });
  });
});

describe('generated commands', () => {
  it('list with pages, filter, show, change and delete', async () => {
    for (let n = 0; n < 5; n++) await runCli(home, ['notify', `Page ${n}`, '--tag', 'paged'], asAgent());
    const one = await runCli(home, ['inbox', 'list-items', '--tag', 'paged', '--limit', '2'], asOwner());
    expect(one.out.trim().split('\n')).toHaveLength(3);
    expect(one.err).toContain('--all');
    const all = await runCli(home, ['items', 'list', '--tag', 'paged', '--limit', '2', '--all', '--json'], asOwner());
    const { items } = JSON.parse(all.out) as { items: { id: string; title: string }[] };
    expect(items.map((item) => item.title)).toEqual(['Page 4', 'Page 3', 'Page 2', 'Page 1', 'Page 0']);

    const id = items[0]!.id;
    const changed = await runCli(
      home,
      ['items', 'update', id, '--title', 'Renamed', '--tags', 'a,b', '--metadata', '{"k":1}', '--json'],
      asAgent(),
    );
    expect(JSON.parse(changed.out)).toMatchObject({ title: 'Renamed', tags: ['a', 'b'], metadata: { k: 1 } });
    expect((await runCli(home, ['items', 'get', id], asOwner())).out).toMatch(/^title +Renamed$/m);
    expect(await runCli(home, ['items', 'delete', id], asOwner())).toEqual({ code: 0, out: '', err: '' });
    expect(await runCli(home, ['items', 'get', id], asOwner())).toMatchObject({ code: 6 });
  });

  it('report what the server finds wrong by flag', async () => {
    const run = await runCli(home, ['agents', 'create', '--name', ' '], asOwner());
    expect(run.code).toBe(2);
    expect(run.err).toContain('--name:');
    expect(await runCli(home, ['agents', 'create'], asOwner())).toMatchObject({ code: 2, err: 'Missing: --name\n' });
  });

  it('download to standard output and to a file that is never overwritten', async () => {
    const through = await runCli(home, ['audit', 'export', '--format', 'ndjson'], asOwner());
    expect(through.code).toBe(0);
    expect(JSON.parse(through.out.split('\n')[0]!)).toHaveProperty('action');
    expect(await runCli(home, ['audit', 'export', '-o', 'audit.csv'], asOwner())).toMatchObject({ code: 0, out: '' });
    expect(readFileSync(join(home, 'audit.csv'), 'utf8')).toContain('action');
    expect(await runCli(home, ['audit', 'export', '-o', 'audit.csv'], asOwner())).toMatchObject({ code: 2 });
  });

  it('what an agent wrote cannot steer the terminal', async () => {
    await runCli(home, ['notify', 'Sneaky \u001b[2J title'], asAgent());
    const run = await runCli(home, ['items', 'list'], asOwner());
    expect(run.out).toContain('Sneaky');
    expect(run.out).not.toContain('\u001b');
  });

  it('notify reads its message from a pipe', async () => {
    const run = await runCli(home, ['notify', 'Log', '-m', '-', '--level', 'warning', '--priority', '3'], {
      ...asAgent(),
      input: 'line 1\nline 2\n',
    });
    const item = await callServer(server, owner, 'GET', `/api/v1/inbox/items/${run.out.trim()}`);
    expect(item).toMatchObject({ title: 'Log', message: 'line 1\nline 2\n', level: 'warning', priority: 3 });
  });
});

describe('signing in', () => {
  it('keeps an API key for the owner alone, serves later commands with it, and ends it at logout', async () => {
    const mine = newCliHome();
    const signIn = ['login', '--url', server.url, '--email', 'ada@example.org', '--password-stdin'];
    expect(await runCli(mine, signIn, { input: 'wrong password\n' })).toMatchObject({ code: 5 });
    expect(await runCli(mine, signIn, { input: `${ownerPassword}\n` })).toMatchObject({ code: 0 });
    const path = join(mine, '.config/atrium/credentials.json');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const { token } = JSON.parse(readFileSync(path, 'utf8')).profiles.default;
    expect(token).toMatch(/^atk_/);
    expect((await runCli(mine, ['whoami'])).out).toContain('ada@example.org');
    expect(await runCli(mine, ['agents', 'list'])).toMatchObject({ code: 0 });
    // A token of the file is not sent to a server it was not made for.
    expect(await runCli(mine, ['whoami', '--url', server.url.replace('127.0.0.1', 'localhost')])).toMatchObject({
      code: 5,
    });
    expect(await runCli(mine, ['logout'])).toMatchObject({ code: 0 });
    expect(await runCli(mine, ['whoami'])).toMatchObject({ code: 5 });
    expect(await runCli(mine, ['whoami'], { env: { ATRIUM_URL: server.url, ATRIUM_TOKEN: token } })).toMatchObject({
      code: 5,
    });
    rmSync(mine, { recursive: true });
  });

  it('keeps several profiles, and the environment wins', async () => {
    const mine = newCliHome();
    await runCli(mine, ['login', '--url', server.url, '--token', '-', '--profile', 'agent'], { input: agentKey });
    await runCli(
      mine,
      ['login', '--url', server.url, '--email', 'ada@example.org', '--password-stdin', '--session', '--profile', 'ada'],
      { input: ownerPassword },
    );
    expect((await runCli(mine, ['profiles'])).out).toMatch(/agent[\s\S]*ada/);
    expect((await runCli(mine, ['whoami', '--json'])).out).toContain('ada@example.org');
    expect(await runCli(mine, ['items', 'list', '--profile', 'agent'])).toMatchObject({ code: 0 });
    expect(await runCli(mine, ['whoami', '--profile', 'nobody'])).toMatchObject({ code: 2 });
    expect(
      await runCli(mine, ['whoami'], { env: { ATRIUM_URL: server.url, ATRIUM_TOKEN: 'atk_wrong' } }),
    ).toMatchObject({ code: 5 });
    rmSync(mine, { recursive: true });
  });
});

describe('atrium doctor', () => {
  it('finds a running installation in order', async () => {
    const env = { ...asOwner().env, ATRIUM_DATA_DIR: server.dataDir, ATRIUM_PORT: new URL(server.url).port };
    const run = await runCli(home, ['doctor'], { env });
    expect(run.out).toMatch(/^ok +database +PostgreSQL 18/m);
    expect(run.out).toMatch(/^ok +clock/m);
    expect(run.out).toMatch(/^ok +token/m);
    expect(run.out).toMatch(/^warn +port/m);
    expect(run.code).toBe(0);
  });

  it('fails with what to do', async () => {
    mkdirSync(join(home, 'empty'), { recursive: true });
    const env = {
      ATRIUM_URL: 'http://127.0.0.1:9',
      DATABASE_URL: 'postgres://nobody@127.0.0.1:9/none',
      ATRIUM_DATA_DIR: join(home, 'empty'),
    };
    const run = await runCli(home, ['doctor'], { env });
    expect(run.code).toBe(1);
    expect(run.out).toMatch(/^fail +database +the server of DATABASE_URL cannot be reached \(ECONNREFUSED\)/m);
    expect(run.out).toMatch(/^fail +server/m);
    const wrong = await runCli(home, ['doctor'], { env: { ...env, ATRIUM_PORT: 'many' } });
    expect(wrong.out).toMatch(/^fail +settings +ATRIUM_PORT/m);
  });
});

describe('atrium claude-hook', () => {
  const call = (id: string, command: string) =>
    JSON.stringify({
      session_id: 'session-1',
      cwd: '/work',
      hook_event_name: 'PreToolUse',
      tool_name: 'Bash',
      tool_input: { command },
      tool_use_id: id,
    });

  const hook = async (id: string, command: string, reply: unknown) => {
    const run = ended(spawnCli(home, ['claude-hook'], { ...asAgent(), input: call(id, command) }));
    const item = await itemTitled(server, owner, `Bash: ${command}`);
    await callServer(server, owner, 'POST', `/api/v1/inbox/items/${item.id}/answer`, { reply });
    const { code, out } = await run;
    expect(code).toBe(0);
    return JSON.parse(out).hookSpecificOutput;
  };

  it('allows, allows with other arguments, and denies with the reason', async () => {
    expect(await hook('t1', 'ls', { kind: 'accept' })).toMatchObject({
      hookEventName: 'PreToolUse',
      permissionDecision: 'allow',
    });
    expect(await hook('t2', 'rm -rf /', { kind: 'edit', arguments: { command: 'rm -rf ./tmp' } })).toMatchObject({
      permissionDecision: 'allow',
      updatedInput: { command: 'rm -rf ./tmp' },
    });
    expect(await hook('t3', 'curl x | sh', { kind: 'reject', text: 'never' })).toMatchObject({
      permissionDecision: 'deny',
      permissionDecisionReason: 'Rejected by Ada: never',
    });
    expect(await hook('t4', 'make', { kind: 'respond', text: 'use npm' })).toMatchObject({
      permissionDecision: 'deny',
    });
    // Started again for the same call it finds the first decision.
    const again = await runCli(home, ['claude-hook'], { ...asAgent(), input: call('t1', 'ls') });
    expect(JSON.parse(again.out).hookSpecificOutput.permissionDecision).toBe('allow');
  });

  it('denies when nobody answers, and leaves it to the terminal when Atrium cannot be asked', async () => {
    const late = await runCli(home, ['claude-hook', '--timeout', '1s'], { ...asAgent(), input: call('t5', 'sleep') });
    expect(JSON.parse(late.out).hookSpecificOutput.permissionDecision).toBe('deny');
    const stranger = { env: { ATRIUM_URL: server.url, ATRIUM_TOKEN: 'atk_wrong' }, input: call('t6', 'x') };
    const asked = await runCli(home, ['claude-hook'], stranger);
    expect(JSON.parse(asked.out).hookSpecificOutput.permissionDecision).toBe('ask');
    const denied = await runCli(home, ['claude-hook', '--on-failure', 'deny'], stranger);
    expect(JSON.parse(denied.out).hookSpecificOutput.permissionDecision).toBe('deny');
    expect(await runCli(home, ['claude-hook'], { ...asAgent(), input: 'nonsense' })).toMatchObject({ code: 2 });
  });
});
