import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRestClient } from '../support/rest-client.ts';
import { runServer } from '../support/run-server.ts';
import { type RunningServer, removeDataDir, startServer } from '../support/start-server.ts';

const scratch = mkdtempSync(join(tmpdir(), 'atrium-refusals-'));
// Postgres runs as another user under root and must be able to walk here.
chmodSync(scratch, 0o755);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const refused = async (env: Record<string, string>, cwd = scratch) => {
  const { code, output } = await runServer({ env: { ATRIUM_DATA_DIR: join(scratch, 'data'), ...env }, cwd });
  // Nobody should have to read a stack to learn what to do.
  expect(output).not.toMatch(/^\s+at /m);
  expect(output).not.toContain('\\n    at ');
  return { code, output };
};

describe('wrong settings end the start with status 78', () => {
  it('all of them are named at once, each with an example, and none prints a secret', async () => {
    const { code, output } = await refused({
      ATRIUM_PORT: 'eighty',
      ATRIUM_LOG: 'loud',
      ATRIUM_MASTER_KEY: 'c2hvcnQgc2VjcmV0',
      DATABASE_URL: 'mysql://root:hidden@db/x',
    });
    expect(code).toBe(78);
    for (const name of ['ATRIUM_PORT', 'ATRIUM_LOG', 'ATRIUM_MASTER_KEY', 'DATABASE_URL'])
      expect(output).toContain(name);
    expect(output.match(/example:/g)).toHaveLength(4);
    expect(output).toContain('"eighty"');
    expect(output).not.toMatch(/c2hvcnQgc2VjcmV0|hidden/);
    expect(existsSync(join(scratch, 'data'))).toBe(false);
  });

  it('a variable nobody knows is one of them, with the name that was probably meant', async () => {
    const { code, output } = await refused({ ATRIUM_PROT: '4400' });
    expect(code).toBe(78);
    expect(output).toMatch(/ATRIUM_PROT .*ATRIUM_PORT/s);
  });

  it('a settings file that is not YAML, or is not there, is named with its line or its path', async () => {
    const file = join(scratch, 'broken.yaml');
    writeFileSync(file, 'server:\n  port: [1\n');
    const broken = await refused({ ATRIUM_CONFIG: file });
    expect(broken.code).toBe(78);
    expect(broken.output).toMatch(/ATRIUM_CONFIG is not valid YAML: .*line \d/s);
    const missing = await refused({ ATRIUM_CONFIG: join(scratch, 'nowhere.yaml') });
    expect(missing.code).toBe(78);
    expect(missing.output).toContain(join(scratch, 'nowhere.yaml'));
  });

  it('atrium.yaml of the working directory is read, and the variable wins over it', async () => {
    const cwd = join(scratch, 'with-file');
    mkdirSync(cwd);
    writeFileSync(join(cwd, 'atrium.yaml'), 'server:\n  port: nine\n  colour: red\nlog:\n  level: loud\n');
    const { code, output } = await refused({ ATRIUM_LOG: 'info', ATRIUM_PORT: '' }, cwd);
    expect(code).toBe(78);
    expect(output).toContain('server.port (atrium.yaml)');
    expect(output).toContain('server.colour');
    expect(output).not.toContain('log.level');
  });
});

describe('what stands in the way of a start is told in a sentence', () => {
  it('a port that is taken', async () => {
    const other = createServer();
    await new Promise<void>((listening) => other.listen(0, '127.0.0.1', listening));
    const { port } = other.address() as { port: number };
    const { code, output } = await refused({ ATRIUM_PORT: String(port), ATRIUM_DATA_DIR: join(scratch, 'port') });
    await new Promise((closed) => other.close(closed));
    expect(code).toBe(1);
    expect(output).toContain(`port ${port}`);
    expect(output).toMatch(/ATRIUM_PORT/);
  }, 60_000);

  it('an address that this machine does not have', async () => {
    const { code, output } = await refused({ ATRIUM_HOST: '192.0.2.1', ATRIUM_DATA_DIR: join(scratch, 'port') });
    expect(code).toBe(1);
    expect(output).toContain('192.0.2.1');
    expect(output).toContain('ATRIUM_HOST');
  }, 60_000);

  it('a data directory that is a file, or lies below one', async () => {
    const file = join(scratch, 'file');
    writeFileSync(file, '');
    for (const path of [file, join(file, 'data')]) {
      const { code, output } = await refused({ ATRIUM_DATA_DIR: path });
      expect(code).toBe(1);
      expect(output).toContain(path);
    }
  });

  it(
    process.getuid?.() === 0
      ? 'a data directory where even root may not write'
      : 'a data directory that this user may not write',
    async () => {
      const path = process.getuid?.() === 0 ? '/proc/atrium' : join(scratch, 'closed');
      if (process.getuid?.() !== 0) {
        mkdirSync(path);
        chmodSync(path, 0o500);
      }
      const { code, output } = await refused({ ATRIUM_DATA_DIR: path });
      expect(code).toBe(1);
      expect(output).toContain(`The data directory ${path} cannot`);
    },
  );

  it('a database that cannot be reached, without its password', async () => {
    const { code, output } = await refused({ DATABASE_URL: 'postgresql://atrium:hidden@127.0.0.1:1/atrium' });
    expect(code).toBe(1);
    expect(output).toContain('DATABASE_URL');
    expect(output).not.toContain('hidden');
  });
});

describe('a data directory that is in use, or has lost its key', () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer({ own_process: true });
  }, 60_000);
  afterAll(async () => {
    await server.stop();
    removeDataDir(server.dataDir);
  });

  it('a second server is refused, names the first, and leaves it alone', async () => {
    const { code, output } = await refused({ ATRIUM_DATA_DIR: server.dataDir });
    expect(code).toBe(1);
    expect(output).toContain(`process ${server.pid}`);
    expect(output).toContain(`already uses the data directory ${server.dataDir}`);
    expect(output).toContain('ATRIUM_DATA_DIR');
    expect((await createRestClient(server.url).get('/ready')).status).toBe(200);
  });

  it('without its master key, or with another one, it is refused instead of writing what nobody can read', async () => {
    await server.stop();
    const file = join(server.dataDir, 'master.key');
    renameSync(file, `${file}.away`);
    const lost = await refused({ ATRIUM_DATA_DIR: server.dataDir });
    expect(lost.code).toBe(1);
    expect(lost.output).toContain(`${file} is missing`);
    expect(existsSync(file)).toBe(false);

    const stranger = randomBytes(32).toString('base64');
    const other = await refused({ ATRIUM_DATA_DIR: server.dataDir, ATRIUM_MASTER_KEY: stranger });
    expect(other.code).toBe(1);
    expect(other.output).toContain('encrypted under the master key');
    expect(other.output).not.toContain(stranger);

    const moved = readFileSync(`${file}.away`, 'utf8').trim();
    server = await startServer({ dataDir: server.dataDir, env: { ATRIUM_MASTER_KEY: moved } });
    expect((await createRestClient(server.url).get('/ready')).status).toBe(200);
  }, 60_000);
});
