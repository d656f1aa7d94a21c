import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { signingVectors } from '@atrium/protocol';
import { afterAll, describe, expect, it } from 'vitest';
import { agentKeyOf, makeAgentKey, sign } from '../agent/agent-key.ts';
import { findCredentials } from './agent-credentials.ts';
import {
  type AgentFile,
  type AgentHome,
  agentPath,
  heldKey,
  keepKey,
  readAgentFile,
  writeAgentFile,
} from './agent-file.ts';
import { setPassphrase } from './agent-lifecycle.ts';
import { writeMcpConfig } from './mcp-config.ts';
import { repairConfig } from './repair-config.ts';
import { exportSSHKey, setUpGit } from './ssh-files.ts';

const directory = mkdtempSync(join(tmpdir(), 'atrium-sdk-agent-'));
afterAll(() => rmSync(directory, { recursive: true }));

let made = 0;
const newHome = (environment: Record<string, string> = {}): AgentHome & { warnings: string[] } => {
  const warnings: string[] = [];
  const XDG_CONFIG_HOME = join(directory, `home-${made++}`);
  return { environment: { XDG_CONFIG_HOME, ...environment }, warnings, warn: (text) => void warnings.push(text) };
};
const { private_key, public_key, fingerprint } = signingVectors;
const keys = { public_key, private_key, fingerprint };
const oauth2 = { client_id: 'agent_1', client_secret: 'acs_secret' };
const identity_id = '0190a000-0000-7000-8000-000000000000';
const whole: AgentFile = {
  identity_id,
  oauth2,
  keys,
  endpoints: { api: 'https://atrium.example', mcp: 'https://atrium.example/mcp' },
};
const modeOf = (path: string): number => statSync(path).mode & 0o777;
const put = (path: string, text: string): void => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode: 0o600 });
};

describe('52: .mcp.json', () => {
  const folder = (): string => {
    const path = join(directory, `project-${made++}`);
    mkdirSync(path);
    return path;
  };
  const read = (path: string) => JSON.parse(readFileSync(join(path, '.mcp.json'), 'utf8'));

  it('52: has mode 0600, placeholders in place of the secret, and keeps everything else', async () => {
    const project = folder();
    const other = { command: 'other-server', env: { KEY: 'kept' } };
    writeFileSync(join(project, '.mcp.json'), JSON.stringify({ mcpServers: { other }, inputs: [1] }), { mode: 0o644 });
    await writeMcpConfig({ folder: project, url: 'https://atrium.example/' });
    expect(modeOf(join(project, '.mcp.json'))).toBe(0o600);
    const entry = {
      type: 'http',
      url: 'https://atrium.example/mcp',
      headers: { 'X-Client-Id': `\${ATRIUM_CLIENT_ID}`, 'X-Client-Secret': `\${ATRIUM_CLIENT_SECRET}` },
    };
    expect(read(project)).toEqual({ mcpServers: { other, atrium: entry }, inputs: [1] });
    await writeMcpConfig({ folder: project, url: 'https://elsewhere.example' });
    expect(read(project).mcpServers).toMatchObject({ other, atrium: { url: 'https://elsewhere.example/mcp' } });
  });

  it.each(['{"mcpServers": {', '[]', '{"mcpServers": []}', '// a comment\n{}'])(
    '52: that holds %j is left untouched, with an error',
    async (text) => {
      const project = folder();
      writeFileSync(join(project, '.mcp.json'), text, { mode: 0o644 });
      await expect(writeMcpConfig({ folder: project, url: 'https://atrium.example' })).rejects.toMatchObject({
        code: 'file_damaged',
        message: expect.stringContaining(project),
      });
      expect(readFileSync(join(project, '.mcp.json'), 'utf8')).toBe(text);
      expect(modeOf(join(project, '.mcp.json'))).toBe(0o644);
    },
  );

  it('52: that is a link stays one', async () => {
    const project = folder();
    writeFileSync(join(project, 'shared.json'), '{}');
    symlinkSync('shared.json', join(project, '.mcp.json'));
    await writeMcpConfig({ folder: project, url: 'https://atrium.example' });
    expect(JSON.parse(readFileSync(join(project, 'shared.json'), 'utf8')).mcpServers.atrium.type).toBe('http');
  });
});

describe('52: what other clients of MCP read', () => {
  const folder = (): string => {
    const path = join(directory, `project-${made++}`);
    mkdirSync(path);
    return path;
  };
  const url = 'https://atrium.example';
  const mcp = `${url}/mcp`;
  const headers = { 'X-Client-Id': `\${env:ATRIUM_CLIENT_ID}`, 'X-Client-Secret': `\${env:ATRIUM_CLIENT_SECRET}` };
  const json = (path: string) => JSON.parse(readFileSync(path, 'utf8'));

  it('52: Cursor and VS Code have their own files, placeholders and members', async () => {
    const project = folder();
    const other = { url: 'https://other.example/mcp' };
    put(join(project, '.cursor', 'mcp.json'), JSON.stringify({ mcpServers: { other } }));
    const cursor = await writeMcpConfig({ folder: project, url, client: 'cursor' });
    expect(json(cursor)).toEqual({ mcpServers: { other, atrium: { url: mcp, headers } } });
    const inputs = [{ id: 'x', type: 'promptString', description: 'X' }];
    put(join(project, '.vscode', 'mcp.json'), JSON.stringify({ inputs, servers: { other } }));
    const vscode = await writeMcpConfig({ folder: project, url, client: 'vscode' });
    expect(json(vscode)).toEqual({ inputs, servers: { other, atrium: { type: 'http', url: mcp, headers } } });
    for (const path of [cursor, vscode]) expect(modeOf(path)).toBe(0o600);
    const environment = { HOME: folder() };
    const ofUser = await writeMcpConfig({ folder: project, url, client: 'cursor', user: true, environment });
    expect(ofUser).toBe(join(environment.HOME, '.cursor', 'mcp.json'));
    for (const client of ['vscode', 'claude-code'] as const)
      await expect(writeMcpConfig({ folder: project, url, client, user: true })).rejects.toMatchObject({
        code: 'not_offered',
      });
  });

  it('52: Claude Desktop starts a program that finds the secret by itself', async () => {
    const environment = { HOME: folder(), XDG_CONFIG_HOME: folder() };
    const command = ['/usr/bin/node', '/opt/atrium/main.ts', 'agent', 'mcp'];
    const path = await writeMcpConfig({ folder: folder(), url, client: 'claude-desktop', environment, command });
    expect(json(path).mcpServers.atrium).toEqual({
      command: '/usr/bin/node',
      args: command.slice(1),
      env: { XDG_CONFIG_HOME: environment.XDG_CONFIG_HOME },
    });
  });

  it('52: the configuration of Codex gets a table, and keeps everything else to the byte', async () => {
    const project = folder();
    const path = join(project, '.codex', 'config.toml');
    const before = '# mine\nmodel = "x"\n\n[mcp_servers.other]\ncommand = "other" # kept\n';
    put(path, before);
    const write = (more: object = {}) => writeMcpConfig({ folder: project, url, client: 'codex', ...more });
    expect(await write()).toBe(path);
    const table = (to: string) =>
      `[mcp_servers.atrium]\nurl = "${to}"\nenv_http_headers = { "X-Client-Id" = "ATRIUM_CLIENT_ID", "X-Client-Secret" = "ATRIUM_CLIENT_SECRET" }\n`;
    expect(readFileSync(path, 'utf8')).toBe(`${before}\n${table(mcp)}`);
    expect(modeOf(path)).toBe(0o600);
    // What somebody added to it, and what stands behind it, stays where it is.
    const after = 'enabled = false\n\n[tui]\ntheme = "x"\n';
    put(path, `${before}\n${table(mcp)}${after}`);
    await write({ url: 'https://moved.example' });
    expect(readFileSync(path, 'utf8')).toBe(`${before}\n${table('https://moved.example/mcp')}${after}`);
    await write({ name: 'two words' });
    expect(readFileSync(path, 'utf8')).toContain('[mcp_servers."two words"]');
    const CODEX_HOME = folder();
    expect(await write({ user: true, environment: { CODEX_HOME } })).toBe(join(CODEX_HOME, 'config.toml'));
  });

  it.each([
    'model = "x',
    '[mcp_servers]\natrium = { url = "https://x.example" }\n',
    'mcp_servers = { other = { command = "x" } }\n',
    'mcp_servers.atrium.url = "https://x.example"\n',
  ])('52: a configuration of Codex that holds %j is left untouched, with an error', async (text) => {
    const project = folder();
    put(join(project, '.codex', 'config.toml'), text);
    await expect(writeMcpConfig({ folder: project, url, client: 'codex', force: true })).rejects.toMatchObject({
      code: 'file_damaged',
    });
    expect(readFileSync(join(project, '.codex', 'config.toml'), 'utf8')).toBe(text);
  });

  it('52: a server of the same name that somebody else set up is replaced when it is asked for, and not before', async () => {
    const project = folder();
    const theirs = { type: 'http', url: mcp, headers: { Authorization: 'Bearer x' } };
    const text = JSON.stringify({ mcpServers: { atrium: theirs } });
    put(join(project, '.mcp.json'), text);
    await expect(writeMcpConfig({ folder: project, url })).rejects.toMatchObject({ code: 'already_there' });
    expect(readFileSync(join(project, '.mcp.json'), 'utf8')).toBe(text);
    await writeMcpConfig({ folder: project, url, name: 'second' });
    expect(Object.keys(json(join(project, '.mcp.json')).mcpServers)).toEqual(['atrium', 'second']);
    await writeMcpConfig({ folder: project, url, force: true });
    expect(json(join(project, '.mcp.json')).mcpServers.atrium.headers).toHaveProperty('X-Client-Id');
    const toml = join(project, '.codex', 'config.toml');
    put(toml, '[mcp_servers.atrium]\nurl = "https://x.example"\n[mcp_servers.atrium.http_headers]\nA = "b"\n[tui]\n');
    await expect(writeMcpConfig({ folder: project, url, client: 'codex' })).rejects.toMatchObject({
      code: 'already_there',
    });
    await writeMcpConfig({ folder: project, url, client: 'codex', force: true });
    expect(readFileSync(toml, 'utf8')).toMatch(/^\[tui\]\n\n\[mcp_servers.atrium\]\nurl = "https:\/\/atrium/);
    expect(readFileSync(toml, 'utf8')).not.toContain('http_headers]');
  });
});

describe('the file of an agent', () => {
  it('is for its owner alone, and becomes so again with a warning', async () => {
    const home = newHome();
    await writeAgentFile(home, whole);
    expect([modeOf(agentPath(home)), modeOf(dirname(agentPath(home)))]).toEqual([0o600, 0o700]);
    chmodSync(agentPath(home), 0o644);
    expect(readAgentFile(home)?.file).toEqual(whole);
    expect(modeOf(agentPath(home))).toBe(0o600);
    expect(home.warnings).toEqual([expect.stringContaining('readable by others')]);
  });

  it('that is damaged says where it is, nothing of what it holds, and is not written over', async () => {
    const home = newHome();
    put(agentPath(home), `{"keys": {"private_key": "${private_key}"`);
    for (const attempt of [() => readAgentFile(home), () => findCredentials(home)])
      expect(attempt).toThrow(expect.objectContaining({ code: 'file_damaged' }));
    const error = await repairConfig(home).catch((caught: Error) => caught);
    expect(String(error)).toContain(agentPath(home));
    expect(String(error)).not.toContain(private_key.slice(0, 10));
  });

  // The passphrase is made slow to guess, and slower on a machine that has other things to do.
  it('keeps the private key under a passphrase that only the right one opens', {
    tags: ['long'],
    timeout: 120_000,
  }, async () => {
    const home = newHome();
    await writeAgentFile(home, { ...whole, keys: await keepKey(await agentKeyOf(private_key), 'horse') });
    expect(readFileSync(agentPath(home), 'utf8')).not.toContain(private_key);
    const { file } = readAgentFile(home)!;
    expect((await heldKey({ ...home, passphrase: () => 'horse' }, file)).private_key).toBe(private_key);
    await expect(heldKey({ ...home, passphrase: () => 'mule' }, file)).rejects.toMatchObject({
      code: 'passphrase_wrong',
    });
    await expect(heldKey(home, file)).rejects.toMatchObject({ code: 'passphrase_required' });
    // The sealed key of one agent is no good beside the public key of another.
    const other = { ...file.keys, public_key: 'ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAU=' };
    await expect(heldKey({ ...home, passphrase: () => 'horse' }, { ...file, keys: other })).rejects.toMatchObject({
      code: 'passphrase_wrong',
    });
  });

  it('changes the passphrase, also of a key that waits to replace the one of now, and takes it away', {
    tags: ['long'],
    timeout: 120_000,
  }, async () => {
    const home = newHome();
    const [now, next] = [await agentKeyOf(private_key), await makeAgentKey()];
    await writeAgentFile(home, { ...whole, keys: { ...(await keepKey(now, null)), next: await keepKey(next, null) } });
    await setPassphrase(home, 'horse');
    for (const secret of [private_key, next.private_key])
      expect(readFileSync(agentPath(home), 'utf8')).not.toContain(secret);
    await expect(setPassphrase(home, null)).rejects.toMatchObject({ code: 'passphrase_required' });
    const { keys: open } = await setPassphrase({ ...home, passphrase: () => 'horse' }, null);
    expect(open).toMatchObject({ private_key, next: { private_key: next.private_key } });
    expect(readAgentFile(home)!.file.keys).toEqual(open);
  });

  it('52: of the program before is read with a warning, and never written', async () => {
    const home = newHome();
    const path = join(home.environment['XDG_CONFIG_HOME']!, 'moltnet', 'moltnet.json');
    put(path, JSON.stringify(whole));
    expect(readAgentFile(home)).toMatchObject({ path, foreign: true });
    expect(home.warnings).toEqual([expect.stringContaining(path)]);
    expect(findCredentials(home)).toMatchObject({ ...oauth2, source: 'file', url: 'https://atrium.example' });
    await exportSSHKey(home);
    expect(existsSync(agentPath(home))).toBe(false);
    expect(readFileSync(path, 'utf8')).toBe(JSON.stringify(whole));
  });
});

describe('credentials', () => {
  it('come from options, then the environment by either name, then the file', async () => {
    const home = newHome();
    await writeAgentFile(home, whole);
    expect(findCredentials(home)).toMatchObject({ client_id: 'agent_1', source: 'file' });
    const old = { MOLTNET_CLIENT_ID: 'old', MOLTNET_CLIENT_SECRET: 's', MOLTNET_API_URL: 'https://old.example' };
    const withOld = { ...home, environment: { ...home.environment, ...old } };
    expect(findCredentials(withOld)).toMatchObject({ client_id: 'old', url: 'https://old.example' });
    const ours = { ATRIUM_CLIENT_ID: 'new', ATRIUM_CLIENT_SECRET: 's', ATRIUM_API_URL: 'https://new.example' };
    const withBoth = { ...home, environment: { ...withOld.environment, ...ours } };
    expect(findCredentials(withBoth)).toMatchObject({ client_id: 'new', url: 'https://new.example' });
    const given = { url: 'https://given.example', client_id: 'given', client_secret: 's' };
    expect(findCredentials(withBoth, given)).toEqual({ ...given, source: 'options' });
  });

  it('that are half there speak for nobody else, and a secret of the file goes to its server alone', async () => {
    const home = newHome({ ATRIUM_CLIENT_ID: 'half' });
    await writeAgentFile(home, whole);
    expect(() => findCredentials(home)).toThrow(expect.objectContaining({ code: 'no_credentials' }));
    const elsewhere = { ...home, environment: { XDG_CONFIG_HOME: home.environment['XDG_CONFIG_HOME'] } };
    expect(() => findCredentials(elsewhere, { url: 'https://elsewhere.example' })).toThrow(
      expect.objectContaining({ code: 'no_credentials' }),
    );
    expect(findCredentials(newHome())).toBeNull();
  });
});

describe('repair', () => {
  const broken = {
    ...whole,
    keys: { public_key: public_key.slice('ed25519:'.length), private_key, fingerprint: 'OLD' },
    endpoints: { api: 'https://atrium.example/' },
    ssh: { private_key_path: '/nowhere/id', public_key_path: '/nowhere/id.pub' },
  };

  it('takes over the file of the program before, mends what can be known and tells the rest; a dry run changes nothing', async () => {
    const home = newHome();
    const path = join(home.environment['XDG_CONFIG_HOME']!, 'moltnet', 'credentials.json');
    put(path, JSON.stringify(broken));
    const planned = await repairConfig(home, { dryRun: true });
    expect(existsSync(agentPath(home))).toBe(false);
    const done = await repairConfig(home);
    expect(done.repairs).toEqual(planned.repairs);
    expect(done.repairs.filter(({ kind }) => kind === 'fixed')).toHaveLength(5);
    expect(done.repairs.filter(({ kind }) => kind === 'look').map(({ what }) => what)).toEqual([
      expect.stringContaining('/nowhere/id'),
      expect.stringContaining('/nowhere/id.pub'),
    ]);
    const { file } = readAgentFile(home)!;
    expect(file.keys).toEqual(keys);
    expect(file.endpoints).toEqual(whole.endpoints);
    expect(readFileSync(path, 'utf8')).toBe(JSON.stringify(broken));
    expect((await repairConfig(home)).repairs.every(({ kind }) => kind === 'look')).toBe(true);
  });

  it('leaves a private key that belongs to another public key to its owner', async () => {
    const home = newHome();
    const other = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=';
    await writeAgentFile(home, { ...whole, keys: { ...keys, private_key: other } });
    expect((await repairConfig(home)).repairs).toEqual([
      { kind: 'look', what: expect.stringContaining('does not belong') },
    ]);
    expect(readAgentFile(home)!.file.keys.private_key).toBe(other);
  });
});

describe('the key for git', () => {
  it('is exported with its modes, and replaces no other key unasked', async () => {
    const home = newHome();
    await writeAgentFile(home, whole);
    const { private_key_path, public_key_path } = await exportSSHKey(home);
    expect([modeOf(private_key_path), modeOf(public_key_path)]).toEqual([0o600, 0o644]);
    expect(readFileSync(private_key_path, 'utf8')).toContain('BEGIN OPENSSH PRIVATE KEY');
    writeFileSync(private_key_path, 'another key');
    await expect(exportSSHKey(home)).rejects.toMatchObject({ code: 'already_there' });
    await exportSSHKey(home, { force: true });
    const git = await setUpGit(home);
    expect(git).toMatchObject({ name: 'atrium-agent-21fe31df', email: `${identity_id}@agents.atrium.example` });
    const config = readFileSync(git.config_path, 'utf8');
    for (const line of [`signingkey = "${private_key_path}"`, 'gpgsign = true', 'format = ssh'])
      expect(config).toContain(line);
    expect(readFileSync(git.allowed_signers_path, 'utf8')).toMatch(
      new RegExp(`^${git.email} namespaces="git" ssh-ed25519 AAAA`),
    );
    expect(readAgentFile(home)!.file.ssh).toEqual({ private_key_path, public_key_path });
  });
});

it('1: the SDK signs the known answers byte for byte, with a key that was read from the file', async () => {
  const home = newHome();
  await writeAgentFile(home, whole);
  const key = await heldKey(home, readAgentFile(home)!.file);
  for (const { message, signature } of signingVectors.cases)
    expect(await sign(key, message, signingVectors.nonce)).toBe(signature);
});
