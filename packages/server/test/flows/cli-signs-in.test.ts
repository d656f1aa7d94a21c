import { chmodSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ended, manyCalls, newCliHome, runCli, setUp, spawnCli } from '../support/cli.ts';
import { type OAuthGate, startHttp, startOAuthGate } from '../support/oauth-gate.ts';
import { type RunningServer, removeDataDir, startServer } from '../support/start-server.ts';
import { visit } from '../support/visit.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const scopes = ['inbox:read', 'inbox:write', 'account:read'];
let server: RunningServer;
let gate: OAuthGate;
const homes: string[] = [];

const newHome = (): string => {
  const home = newCliHome();
  homes.push(home);
  return home;
};

/** The person's browser, as the program that BROWSER names. */
const withBrowser = (home: string): { env: Record<string, string> } => {
  const program = join(home, 'browser');
  const script = join(import.meta.dirname, '../support/visit.ts');
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${script}' "$1" > '${home}/page.html'\n`);
  chmodSync(program, 0o700);
  return { env: { BROWSER: program } };
};

const tokensOf = (home: string) => join(home, '.config/atrium/tokens/default.json');
const grantOf = (home: string) => JSON.parse(readFileSync(tokensOf(home), 'utf8'))[`${gate.url}/api/v1`];
const changeGrant = (home: string, change: object): void =>
  writeFileSync(tokensOf(home), JSON.stringify({ [`${gate.url}/api/v1`]: { ...grantOf(home), ...change } }));

const signIn = async (home: string): Promise<void> => {
  const run = await runCli(home, ['login', '--url', gate.url], withBrowser(home));
  expect(run, run.err).toMatchObject({ code: 0 });
};

beforeAll(async () => {
  server = await startServer({ env: manyCalls });
  gate = await startOAuthGate(server.url, await setUp(server), scopes);
});
afterAll(async () => {
  gate.close();
  await server.stop();
  removeDataDir(server.dataDir);
  for (const home of homes) rmSync(home, { recursive: true, force: true });
});

describe('atrium login', () => {
  it('signs in through the browser and keeps tokens that nobody else can read', async () => {
    const home = newHome();
    const run = await runCli(home, ['login', '--url', gate.url], withBrowser(home));
    expect(run, run.err).toMatchObject({ code: 0 });
    expect(run.out).toContain('as ada@example.org');
    expect(readFileSync(join(home, 'page.html'), 'utf8')).toContain('Signed in.');
    expect(statSync(tokensOf(home)).mode & 0o777).toBe(0o600);
    expect(grantOf(home)).toMatchObject({ issuer: gate.issuer, scope: expect.stringContaining('inbox:read') });
    expect(run.out + run.err).not.toContain(grantOf(home).access_token);
    expect(readFileSync(join(home, '.config/atrium/credentials.json'), 'utf8')).not.toContain(
      grantOf(home).access_token,
    );
    expect((await runCli(home, ['whoami'])).out).toContain('ada@example.org');
    expect(await runCli(home, ['doctor'])).toMatchObject({ out: expect.stringMatching(/^ok +token/m) });
  });

  it('shows the address where no browser can be opened', async () => {
    const home = newHome();
    const child = spawnCli(home, ['login', '--url', gate.url]);
    const run = ended(child);
    let said = '';
    const page = await new Promise<string>((found) =>
      child.stderr!.on('data', (text) => {
        said += text;
        const address = /^ {2}(http\S+)$/m.exec(said)?.[1];
        if (address !== undefined) found(address);
      }),
    );
    expect(await visit(page)).toContain('Signed in.');
    expect(await run).toMatchObject({ code: 0, err: expect.stringContaining('--device') });
  });

  it('shows a code for a browser elsewhere with --device', async () => {
    const home = newHome();
    const child = spawnCli(home, ['login', '--url', gate.url, '--device']);
    const run = ended(child);
    let said = '';
    const page = await new Promise<string>((found) =>
      child.stderr!.on('data', (text) => {
        said += text;
        const address = /^With the code in it: (\S+)$/m.exec(said)?.[1];
        if (address !== undefined) found(address);
      }),
    );
    expect(await visit(page)).toContain('success');
    const { code, err } = await run;
    expect(code, err).toBe(0);
    expect(await runCli(home, ['whoami'])).toMatchObject({ code: 0 });
  });

  it('asks for the scopes that are wanted and no more', async () => {
    const home = newHome();
    await runCli(home, ['login', '--url', gate.url, '--scopes', 'inbox:read'], withBrowser(home));
    expect(grantOf(home).scope).toBe('inbox:read');
  });

  it('says what else there is when the server has no such pages', async () => {
    const plain = await startHttp((_request, response) => response.writeHead(404).end());
    const run = await runCli(newHome(), ['login', '--url', plain.url]);
    plain.close();
    expect(run).toMatchObject({ code: 2, err: expect.stringContaining('--password-stdin') });
  });

  it('says by which address the server wants to be called', async () => {
    const run = await runCli(newHome(), ['login', '--url', gate.url.replace('127.0.0.1', 'localhost')]);
    expect(run).toMatchObject({ code: 2, err: expect.stringContaining(`is about ${gate.url}/api/v1`) });
  });

  it('refuses flags that contradict each other', async () => {
    for (const flags of [
      ['--device', '--token', 'x'],
      ['--device', '--email', 'a@b.example'],
      ['--token', 'x', '--session'],
    ])
      expect(await runCli(newHome(), ['login', '--url', gate.url, ...flags])).toMatchObject({ code: 2 });
  });
});

describe('kept tokens', () => {
  it('renew themselves when they have run out, once for all commands that run', async () => {
    const home = newHome();
    await signIn(home);
    const before = grantOf(home);
    changeGrant(home, { expires_at: Date.now() - 1 });
    gate.grants.length = 0;
    const runs = await Promise.all([1, 2, 3].map(() => runCli(home, ['whoami'])));
    expect(runs.map((run) => run.code)).toEqual([0, 0, 0]);
    expect(gate.grants).toEqual(['refresh_token']);
    expect(grantOf(home).refresh_token).not.toBe(before.refresh_token);
    expect(statSync(tokensOf(home)).mode & 0o777).toBe(0o600);
  });

  it('renew themselves when the server no longer takes the access token', async () => {
    const home = newHome();
    await signIn(home);
    await (await gate.provider.AccessToken.find(grantOf(home).access_token))!.destroy();
    expect(await runCli(home, ['whoami'])).toMatchObject({ code: 0 });
  });

  it('end with a clear word when the sign-in was withdrawn; signing in again works', async () => {
    const home = newHome();
    await signIn(home);
    const { access_token, refresh_token } = grantOf(home);
    await (await gate.provider.AccessToken.find(access_token))!.destroy();
    await (await gate.provider.RefreshToken.find(refresh_token))!.destroy();
    const run = await runCli(home, ['whoami']);
    expect(run).toMatchObject({ code: 5, err: expect.stringContaining('atrium login') });
    await signIn(home);
    expect(await runCli(home, ['whoami'])).toMatchObject({ code: 0 });
  });

  it('are not sent to a server they were not made for', async () => {
    const home = newHome();
    await signIn(home);
    expect(await runCli(home, ['whoami', '--url', server.url])).toMatchObject({ code: 5 });
  });

  it('survive a command that was killed while it held the lock', async () => {
    const home = newHome();
    await signIn(home);
    changeGrant(home, { expires_at: Date.now() - 1 });
    const dead = spawnCli(home, ['--version']);
    await ended(dead);
    writeFileSync(`${tokensOf(home)}.lock`, String(dead.pid));
    expect(await runCli(home, ['whoami'])).toMatchObject({ code: 0 });
    expect(existsSync(`${tokensOf(home)}.lock`)).toBe(false);
  });

  it('are ended at the server by logout', async () => {
    const home = newHome();
    await signIn(home);
    const { refresh_token } = grantOf(home);
    expect(await gate.provider.RefreshToken.find(refresh_token)).toBeDefined();
    const run = await runCli(home, ['logout']);
    expect(run).toMatchObject({ code: 0, out: expect.stringContaining('ended on the server') });
    expect(await gate.provider.RefreshToken.find(refresh_token)).toBeUndefined();
    expect(existsSync(tokensOf(home))).toBe(false);
    expect(await runCli(home, ['whoami'])).toMatchObject({ code: 5 });
  });
});
