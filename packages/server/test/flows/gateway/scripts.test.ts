import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openSocket } from '../../support/live-socket.ts';
import { createMovedClock } from '../../support/moved-clock.ts';
import { ok, openWorld, type Person, type World } from '../../support/people.ts';
import type { Json } from '../../support/rest-client.ts';
import { until } from '../../support/until.ts';

const folder = mkdtempSync(join(tmpdir(), 'atrium-scripts-'));
const clock = createMovedClock();
let world: World;
let operator: Person;
let member: Person;

const invite = async (name: string, role: string): Promise<Person> =>
  world.makePerson(
    name,
    ok(await operator.post('/api/v1/orgs/current/invitations', { role, max_uses: 1 })).invite_code,
  );

beforeAll(async () => {
  world = await openWorld({
    env: {
      ...clock.env,
      ATRIUM_SCRIPTS_ENABLED: 'true',
      ATRIUM_SCRIPTS_DIRECTORY: folder,
      ATRIUM_SCRIPTS_ALLOW_HOST: 'true',
      ATRIUM_SCRIPTS_MAX_OUTPUT_BYTES: '100000',
    },
  });
  operator = world.operator;
  member = await invite('Mia', 'member');
});
afterAll(async () => {
  await world.close();
  rmSync(folder, { recursive: true, force: true });
});

const write = (path: string, text: string): string => {
  writeFileSync(join(folder, path), text);
  return createHash('sha256').update(text).digest('hex');
};
let counted = 0;
const register = async (text: string, parts: Json = {}): Promise<Json> => {
  counted += 1;
  const path = `job-${counted}.sh`;
  write(path, text);
  return ok(await operator.post('/api/v1/scripts', { name: `Job ${counted}`, path, ...parts }));
};
const run = (who: Person, id: string, parameters: Json = {}, wait_s = 30) =>
  who.post(`/api/v1/scripts/${id}/run`, { parameters, wait_s });
const textOf = async (id: string, stream?: string): Promise<string> =>
  ok(await operator.get(`/api/v1/script-runs/${id}/output?limit=500`))
    .parts.filter((part: Json) => stream === undefined || part.stream === stream)
    .map(({ text }: Json) => text)
    .join('');
const runOf = async (id: string): Promise<Json> => ok(await operator.get(`/api/v1/script-runs/${id}`));
const ended = (id: string, patience_ms = 15_000): Promise<Json> =>
  until(
    async () => {
      const found = await runOf(id);
      return ['pending', 'running'].includes(found.state) ? null : found;
    },
    'the run ends',
    patience_ms,
  );
const isAlive = (pid: number): boolean => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};
const pidsIn = (text: string): number[] =>
  text
    .trim()
    .split(/\s+/)
    .map(Number)
    .filter((pid) => pid > 0);
const numbersWritten = (id: string, count: number): Promise<number[]> =>
  until(async () => {
    const pids = pidsIn(await textOf(id, 'stdout'));
    return pids.length === count ? pids : null;
  }, 'it tells its processes');

it('G36: parameters are data in an environment that begins empty, whatever they look like', async () => {
  const script = await register('printf "%s|" "$A"; [ -z "$B" ] || printf "%s" "$B"; echo; env | sort', {
    parameters: [
      { name: 'A', type: 'text', required: true },
      { name: 'B', type: 'text' },
    ],
  });
  const done = ok(await run(member, script.id, { A: '$(reboot) `id` "; rm -rf /', B: 'one\ntwo' }));
  expect(done).toMatchObject({ state: 'completed', exit_code: 0, started_by: { name: 'Mia' }, runner: 'host' });
  const [first, second, ...variables] = (await textOf(done.id)).split('\n');
  expect([first, second]).toEqual(['$(reboot) `id` "; rm -rf /|one', 'two']);
  const names = variables.map((line) => line.split('=')[0]).filter((name) => /^[A-Z_]+$/.test(name!));
  expect(new Set(names)).toEqual(
    new Set([
      'A',
      'B',
      'HOME',
      'LANG',
      'PATH',
      'PWD',
      ...(names.includes('_') ? ['_'] : []),
      ...(names.includes('SHLVL') ? ['SHLVL'] : []),
      ...(names.includes('OLDPWD') ? ['OLDPWD'] : []),
    ]),
  );
  const long = await run(member, script.id, { A: 'x'.repeat(1024 * 1024) });
  expect([long.status, long.body.errors[0].path]).toEqual([422, 'parameters.A']);
  expect((await run(member, script.id, {})).body.errors).toEqual([{ path: 'parameters.A', message: 'is needed' }]);
  expect(readdirSync(join(world.server.dataDir, 'script-runs'))).toEqual([]);
});

it('G36: a path outside, a link out of the directory and what is no file are refused; the list says why', async () => {
  const outside = mkdtempSync(join(tmpdir(), 'atrium-outside-'));
  writeFileSync(join(outside, 'evil.sh'), '#!/bin/sh\n');
  symlinkSync(join(outside, 'evil.sh'), join(folder, 'link.sh'));
  symlinkSync(outside, join(folder, 'folder'));
  mkdirSync(join(folder, 'is-folder.sh'));
  write('plain.txt', 'no script');
  const paths = [
    '../evil.sh',
    join(outside, 'evil.sh'),
    'link.sh',
    'folder/evil.sh',
    'is-folder.sh',
    'plain.txt',
    'a/../../x',
    'nowhere.sh',
  ];
  for (const path of paths) {
    const { status, body } = await operator.post('/api/v1/scripts', { name: 'Evil', path });
    expect([path, status, body.code]).toEqual([path, 422, 'script_file_refused']);
  }
  const { files, directory } = ok(await operator.get('/api/v1/scripts/available'));
  expect(directory).toBe(folder);
  const named = (path: string) => files.find((file: Json) => file.path === path);
  expect(named('link.sh').refused).toContain('not below the directory');
  expect(named('plain.txt').refused).toContain('first line');
  expect(named('job-1.sh')).toMatchObject({ kind: 'sh', refused: null, script_ids: [expect.any(String)] });
  rmSync(outside, { recursive: true });
});

it('G36: a changed file does not run until an operator has agreed to what it is now', async () => {
  const script = await register('echo one');
  const found = write(script.path, 'echo two');
  expect(ok(await operator.get(`/api/v1/scripts/${script.id}`))).toMatchObject({
    file: 'changed',
    found_digest: found,
  });
  const refused = await run(member, script.id);
  expect([refused.status, refused.body.code, refused.body.found_digest]).toEqual([409, 'script_changed', found]);
  const again = write(script.path, 'echo three');
  const late = await operator.post(`/api/v1/scripts/${script.id}/confirm`, { digest: found });
  expect([late.status, late.body.found_digest]).toEqual([409, again]);
  expect((await member.post(`/api/v1/scripts/${script.id}/confirm`, { digest: again })).status).toBe(403);
  ok(await operator.post(`/api/v1/scripts/${script.id}/confirm`, { digest: again }));
  expect(await textOf(ok(await run(member, script.id)).id)).toBe('three\n');
});

it('G36: without scripts.run nobody runs; others do not see the run; another organisation sees nothing', async () => {
  const script = await register('true');
  const viewer = await invite('Vic', 'viewer');
  expect((await run(viewer, script.id)).status).toBe(403);
  const done = ok(await run(member, script.id));
  const other = await invite('Olaf', 'member');
  expect((await other.get(`/api/v1/script-runs/${done.id}`)).status).toBe(404);
  expect(ok(await other.get('/api/v1/script-runs')).items).toEqual([]);
  const foreign = await world.makeOrg();
  expect((await run(foreign.owner, script.id)).status).toBe(404);
  expect((await foreign.owner.get(`/api/v1/script-runs/${done.id}/output`)).status).toBe(404);
});

it('a script may ask for scopes that the token has to have', async () => {
  const script = await register('true', { scopes: ['toolbox:deploy'] });
  const agent = ok(await operator.post('/api/v1/agents', { name: 'Runner', scopes: ['scripts:run'] }));
  const response = await fetch(`${world.url}/api/v1/scripts/${script.id}/run`, {
    method: 'POST',
    headers: { authorization: `Bearer ${agent.api_key}`, 'content-type': 'application/json' },
    body: '{}',
  });
  expect([response.status, ((await response.json()) as Json).required]).toEqual([403, 'toolbox:deploy']);
});

it('passwords and values of the environment stand in no output, answer, event, trail or table', async () => {
  const secret = 'correct-horse-battery';
  const script = await register(
    'for i in 1 2 3 4 5 6 7 8; do printf "%s" "$P"; done; echo; echo "$TOKEN" >&2; exit 2',
    {
      parameters: [{ name: 'P', type: 'password', required: true }],
      environment: { TOKEN: 'env-token-value' },
    },
  );
  expect(script.environment).toEqual(['TOKEN']);
  const live = await openSocket(world.url, operator.token);
  const done = ok(await run(member, script.id, { P: secret }));
  expect(done).toMatchObject({ state: 'failed', reason: 'exit', exit_code: 2, parameters: { P: '••••••' } });
  expect(await textOf(done.id)).toBe(`${'••••••'.repeat(8)}\n••••••\nIt ended with status 2.`);
  await live.event(({ kind, id }) => kind === 'gateway.script.failed' && id === done.id);
  live.close();
  for (const table of [
    'gateway_script_runs',
    'gateway_script_output',
    'gateway_scripts',
    'core_events',
    'core_audit',
  ]) {
    const { rows } = await world.database.query(`select t::text as row from ${table} t`);
    for (const { row } of rows) expect(row).not.toMatch(/correct-horse-battery|env-token-value/);
  }
  const kept = await world.database.query('select secrets from gateway_script_runs where id = $1', [done.id]);
  expect(kept.rows[0].secrets).toBeNull();
  expect(world.server.output()).not.toContain(secret);
});

it('a dry run says so to the script, or another command runs instead', async () => {
  const script = await register('echo "dry=$DRY_RUN"');
  const tried = ok(await member.post(`/api/v1/scripts/${script.id}/dry-run`, { wait_s: 30 }));
  expect([tried.dry_run, await textOf(tried.id)]).toEqual([true, 'dry=true\n']);
  expect(await textOf(ok(await run(member, script.id)).id)).toBe('dry=\n');
  ok(await operator.patch(`/api/v1/scripts/${script.id}`, { dry_run_command: ['sh', '-n', '{script}'] }));
  const checked = ok(await member.post(`/api/v1/scripts/${script.id}/dry-run`, { wait_s: 30 }));
  expect([checked.state, await textOf(checked.id)]).toEqual(['completed', '']);
});

it('output beyond the limit is dropped with a mark, and is followed while it comes', async () => {
  const script = await register('echo begun; sleep 0.3; yes | head -c 300000; echo end');
  const started = ok(await run(member, script.id, {}, 0));
  const response = await fetch(`${world.url}/api/v1/script-runs/${started.id}/stream`, {
    headers: { authorization: `Bearer ${member.token}` },
  });
  const stream = await response.text();
  expect(stream).toContain('event: output\nid: 1\n');
  expect(stream.trimEnd().split('\n\n').at(-1)).toContain('"state":"completed"');
  expect(await runOf(started.id)).toMatchObject({ state: 'completed', output_cut: true, output_bytes: 100_000 });
  expect((await textOf(started.id)).endsWith('no more than 100000 bytes of a run are kept.')).toBe(true);
});

it('a timeout ends the script with all it started, those that left its group included', async () => {
  const script = await register(
    'sleep 300 & echo $!; setsid sleep 300 & sleep 0.2; echo $!; trap "" TERM; wait; sleep 300',
    {
      timeout_s: 1,
    },
  );
  const { id } = ok(await run(member, script.id, {}, 0));
  const pids = await numbersWritten(id, 2);
  const done = await ended(id);
  expect(done).toMatchObject({ state: 'timeout', reason: 'timeout', exit_code: null });
  await until(() => !pids.some(isAlive), 'all are gone');
});

it('a run is cancelled while it goes on and while it waits for its turn', async () => {
  const script = await register('echo $$; sleep 300');
  const { id } = ok(await run(member, script.id, {}, 0));
  const [pid] = await numbersWritten(id, 1);
  const waits = ok(await run(member, script.id, {}, 0));
  expect((await runOf(waits.id)).state).toBe('pending');
  expect(ok(await member.post(`/api/v1/script-runs/${waits.id}/cancel`))).toMatchObject({ state: 'cancelled' });
  ok(await member.post(`/api/v1/script-runs/${id}/cancel`));
  expect(await ended(id)).toMatchObject({ state: 'cancelled', reason: 'cancelled' });
  expect(isAlive(pid!)).toBe(false);
  const late = await member.post(`/api/v1/script-runs/${id}/cancel`);
  expect([late.status, late.body.code]).toEqual([409, 'script_run_ended']);
});

it('G59: a chain goes on after a step whose failure does not matter, and stops after one whose does', async () => {
  const good = await register('echo "got $X"', { parameters: [{ name: 'X', type: 'text', default: 'nothing' }] });
  const bad = await register('exit 7');
  const make = async (name: string, on_failure: string) =>
    ok(
      await operator.post('/api/v1/script-chains', {
        name,
        steps: [
          { script_id: bad.id, on_failure },
          { script_id: good.id, parameters: { X: 'it' } },
        ],
      }),
    );
  const through = async (chain: Json): Promise<Json> => {
    const { id } = ok(await member.post(`/api/v1/script-chains/${chain.id}/run`));
    return until(async () => {
      const found = ok(await member.get(`/api/v1/script-chain-runs/${id}`));
      return found.state === 'running' ? null : found;
    }, 'the chain ends');
  };
  const went = await through(await make('Goes on', 'continue'));
  expect(went).toMatchObject({ state: 'completed', failed_steps: 1 });
  expect(went.runs.map((one: Json) => one.state)).toEqual(['failed', 'completed']);
  expect(await textOf(went.runs[1].id)).toBe('got it\n');
  const halted = await through(await make('Stops', 'stop'));
  expect(halted).toMatchObject({ state: 'failed', failed_steps: 1 });
  expect(halted.runs.map((one: Json) => one.state)).toEqual(['failed', 'cancelled']);
  expect((await operator.delete(`/api/v1/scripts/${good.id}`)).body).toMatchObject({ code: 'in_use' });
});

it('a run waits for the person who has to agree, in the inbox', async () => {
  const script = await register('echo agreed', { approver_id: operator.id });
  const asked = ok(await run(member, script.id, {}, 0));
  expect(asked).toMatchObject({ state: 'pending', approval: 'waiting' });
  const itemOf = async (title: string): Promise<Json> =>
    until(async () => {
      const { items } = ok(await operator.get('/api/v1/inbox/items?status=open'));
      return items.find((item: Json) => item.title === title);
    }, 'the question is in the inbox');
  const title = `Mia wants to run ${script.name}`;
  const item = await itemOf(title);
  ok(await operator.post(`/api/v1/inbox/items/${item.id}/answer`, { reply: { kind: 'accept' } }));
  expect(await ended(asked.id)).toMatchObject({ state: 'completed', approval: 'approved' });
  const second = ok(await run(member, script.id, {}, 0));
  const question = await itemOf(title);
  ok(await operator.post(`/api/v1/inbox/items/${question.id}/answer`, { reply: { kind: 'reject' } }));
  expect(await ended(second.id)).toMatchObject({ state: 'cancelled', reason: 'rejected' });
});

it('G52: a server that is killed leaves the run failed and interrupted, its processes gone, and does not run it twice', async () => {
  const file = join(folder, 'times.txt');
  const script = await register(`echo run >> ${file}; sleep 300 & echo $! $$; wait`);
  const { id } = ok(await run(member, script.id, {}, 0));
  const pids = await numbersWritten(id, 2);
  await world.server.kill();
  expect(pids.every(isAlive)).toBe(true);
  await world.restart();
  expect(await ended(id, 30_000)).toMatchObject({ state: 'failed', reason: 'interrupted' });
  await until(() => !pids.some(isAlive), 'nothing of it is left');
  expect(readFileSync(file, 'utf8')).toBe('run\n');
  expect(readdirSync(join(world.server.dataDir, 'script-runs'))).toEqual([]);
  expect(await textOf(id, 'note')).toContain('not started again');
});

it('G59: after an outage of three hours an hourly schedule makes up for one time, and each is taken once', async () => {
  const script = await register('echo tick', { parameters: [{ name: 'P', type: 'password' }] });
  const schedule = ok(
    await operator.post('/api/v1/script-schedules', {
      ...{ name: 'Hourly', script_id: script.id, cron: '0 * * * *', time_zone: 'Europe/Berlin' },
      parameters: { P: 'sealed-value' },
    }),
  );
  expect(schedule).toMatchObject({ parameters: { P: '••••••' }, runs_name: script.name });
  expect(schedule.next_times).toHaveLength(5);
  const paused = ok(
    await operator.post('/api/v1/script-schedules', {
      name: 'Paused',
      script_id: script.id,
      cron: '0 * * * *',
      paused: true,
    }),
  );
  expect(paused.next_times).toEqual([]);
  const third = schedule.next_times[2];
  clock.move(Date.parse(third) + 60_000 - Date.now());
  const runs = async (): Promise<Json[]> => ok(await operator.get(`/api/v1/script-runs?script_id=${script.id}`)).items;
  await until(async () => (await runs()).some(({ state }) => state === 'completed'), 'it runs', 40_000);
  expect(await runs()).toMatchObject([{ due_at: third, schedule_id: schedule.id, started_by: { name: 'Operator' } }]);
  const { rows } = await world.database.query('select due_at, outcome from gateway_script_dues');
  expect(rows).toEqual([{ due_at: new Date(third), outcome: 'started' }]);
  const after = ok(await operator.get(`/api/v1/script-schedules/${schedule.id}`));
  expect(after).toMatchObject({ last_due_at: third, last_outcome: 'started' });
  expect(after.next_times[0]).toBe(schedule.next_times[3]);
});
