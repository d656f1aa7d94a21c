import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signingVectors, toBase64, verifyBytes } from '@atrium/protocol';
import { afterAll, describe, expect, it } from 'vitest';
import { agentKeyOf, makeAgentKey } from '../agent/agent-key.ts';
import { type AgentHome, keepKey, readAgentFile, writeAgentFile } from './agent-file.ts';
import { setUpGit } from './ssh-files.ts';

const directory = mkdtempSync(join(tmpdir(), 'atrium-sdk-git-'));
afterAll(() => rmSync(directory, { recursive: true }));

const has = (program: string, ...args: string[]): boolean => spawnSync(program, args).error === undefined;
// Neither is part of Node; where one is missing, the forms of the files alone are checked (agent-files.test.ts).
const canSign = has('git', '--version') && has('ssh-keygen', '-?');

const home: AgentHome = { environment: { XDG_CONFIG_HOME: join(directory, 'config') } };
const { private_key, public_key, fingerprint } = signingVectors;
const identity_id = '0190a000-0000-7000-8000-000000000000';

/** Reads strings of RFC 4251, one behind the other. */
const stringsIn = (bytes: Buffer, from: number): Buffer[] => {
  const parts: Buffer[] = [];
  for (let at = from; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    parts.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return parts;
};
const string = (part: Buffer | string): Buffer => {
  const bytes = Buffer.from(part as string);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
};

/** Whose signature an armoured SSHSIG is, and whether it is over the message: without OpenSSH. */
const sshSignature = async (armoured: string, message: Buffer) => {
  const bytes = Buffer.from(armoured.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  expect(bytes.subarray(0, 10)).toEqual(Buffer.concat([Buffer.from('SSHSIG'), Buffer.from([0, 0, 0, 1])]));
  const [key, namespace, reserved, algorithm, signature] = stringsIn(bytes, 10) as [
    Buffer,
    Buffer,
    Buffer,
    Buffer,
    Buffer,
  ];
  const signer = `ed25519:${stringsIn(key, 0)[1]!.toString('base64')}`;
  const digest = createHash(algorithm.toString()).update(message).digest();
  const signed = Buffer.concat([
    Buffer.from('SSHSIG'),
    ...[namespace, reserved, algorithm, digest].map((part) => string(part)),
  ]);
  const valid = await verifyBytes(signer, Uint8Array.from(signed), toBase64(stringsIn(signature, 0)[1]!));
  return { signer, valid, namespace: namespace.toString() };
};

describe.skipIf(!canSign)('git, set up for an agent', { timeout: 60_000 }, () => {
  const repository = join(directory, 'repository');
  let config: string;
  const git = (...args: string[]) => {
    const env = { PATH: process.env['PATH'], GIT_CONFIG_GLOBAL: config, GIT_CONFIG_NOSYSTEM: '1', HOME: directory };
    const { status, stdout, stderr } = spawnSync('git', ['-C', repository, ...args], { env });
    return { status, out: stdout.toString(), err: stderr.toString(), raw: stdout };
  };
  const commit = (text: string): void => {
    writeFileSync(join(repository, 'file'), text);
    for (const args of [
      ['add', 'file'],
      ['commit', '-m', text],
    ]) {
      const run = git(...args);
      expect([args, run.status, run.err]).toEqual([args, 0, '']);
    }
  };

  it('signs commits and tags as the agent, which git and we find valid, and finds a changed one bad', async () => {
    await writeAgentFile(home, {
      identity_id,
      keys: { private_key, public_key, fingerprint },
      endpoints: { api: 'https://atrium.example' },
    });
    config = (await setUpGit(home)).config_path;
    mkdirSync(repository);
    expect(git('init', '-q').status).toBe(0);
    commit('first');
    const verified = git('verify-commit', 'HEAD');
    expect([verified.status, verified.err]).toEqual([
      0,
      expect.stringContaining(`${identity_id}@agents.atrium.example`),
    ]);
    expect(git('log', '-1', '--format=%an <%ae> %G?').out).toBe(
      `atrium-agent-21fe31df <${identity_id}@agents.atrium.example> G\n`,
    );
    const object = git('cat-file', 'commit', 'HEAD').raw.toString();
    const armoured = /^gpgsig (.*(?:\n .*)*)\n/m.exec(object)!;
    const message = Buffer.from(object.replace(armoured[0], ''));
    const own = await sshSignature(armoured[1]!, message);
    expect(own).toEqual({ signer: public_key, valid: true, namespace: 'git' });
    const changed = Buffer.from(message.toString().replace('first', 'fIrst'));
    expect((await sshSignature(armoured[1]!, changed)).valid).toBe(false);

    expect(git('tag', '-m', 'one', 'v1').status).toBe(0);
    expect(git('verify-tag', 'v1').status).toBe(0);
    const forged = spawnSync('git', ['-C', repository, 'hash-object', '-t', 'commit', '-w', '--stdin'], {
      input: object.replace('first', 'fIrst'),
    });
    expect(git('verify-commit', forged.stdout.toString().trim()).status).not.toBe(0);
  });

  it('knows commits by an earlier key of the agent, and none by a key that it never had', async () => {
    const { file } = readAgentFile(home)!;
    await writeAgentFile(home, { ...file, keys: await keepKey(await makeAgentKey(), null) });
    await expect(setUpGit(home)).rejects.toMatchObject({ code: 'already_there' });
    await setUpGit(home, { force: true });
    commit('second');
    for (const which of ['HEAD', 'HEAD~1']) expect([which, git('verify-commit', which).status]).toEqual([which, 0]);
    const stranger = { environment: { XDG_CONFIG_HOME: join(directory, 'stranger') } };
    const keys = await keepKey(await agentKeyOf(Buffer.alloc(32, 7).toString('base64')), null);
    await writeAgentFile(stranger, { ...file, keys });
    const known = config;
    config = (await setUpGit(stranger)).config_path;
    commit('third');
    config = known;
    expect(git('verify-commit', 'HEAD').status).not.toBe(0);
  });
});
