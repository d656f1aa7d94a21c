import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rotationProof, signingVectors } from '@atrium/protocol';
import { createAgentClient, memoryStore } from '@atrium/sdk';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type CliOptions, newCliHome, runCli } from '../../support/cli.ts';
import { type KeyWorld, openKeyWorld } from '../../support/key-world.ts';
import { ok } from '../../support/people.ts';
import { type Json, someAddress } from '../../support/rest-client.ts';

// Dozens of processes, on machines that have other things to do.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

let world: KeyWorld;
beforeAll(async () => {
  world = await openKeyWorld({ shared: true });
});
afterAll(() => world.close());

const greeting = {
  ...{ jsonrpc: '2.0', id: 1, method: 'initialize' },
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'headers', version: '1' } },
};

/** One request to /mcp with the headers of a client, from one address. */
const knock = async (
  headers: Record<string, string>,
  from: string,
): Promise<{ status: number; wait: string | null }> => {
  const response = await fetch(`${world.url}/mcp`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'x-forwarded-for': from,
      ...headers,
    },
    body: JSON.stringify(greeting),
  });
  await response.body?.cancel();
  return { status: response.status, wait: response.headers.get('retry-after') };
};
const headersOf = ({ client_id, client_secret }: { client_id: string; client_secret: string }) => ({
  'x-client-id': client_id,
  'x-client-secret': client_secret,
});

describe('54: a client id and secret in the headers of /mcp', () => {
  it('54: stand for their agent, its scopes and its key, without a token request of its own', async () => {
    const agent = await world.agent();
    const client = new Client({ name: 'headers', version: '1' });
    const requestInit = { headers: headersOf(agent) };
    await client.connect(new StreamableHTTPClientTransport(new URL(`${world.url}/mcp`), { requestInit }) as never);
    const answer = (await client.callTool({ name: 'agent_whoami', arguments: {} })) as { structuredContent: Json };
    expect(answer.structuredContent.identity).toMatchObject({
      ...{ identity_id: agent.id, fingerprint: agent.key.fingerprint, client_id: agent.client_id },
    });
    await client.close();
    const tokens = 'select count(*)::int as n from oauth_access_tokens where client_id = $1 and resource like $2';
    expect((await world.row(tokens, [agent.client_id, '%/mcp'])).n).toBe(1);
  });

  it('54: five bad secrets hold that client off for a minute, and no other', async () => {
    const [agent, other] = [await world.agent(), await world.agent()];
    const [here, elsewhere] = [someAddress(), someAddress()];
    const bad = headersOf({ client_id: agent.client_id, client_secret: 'acs_wrong' });
    for (let guess = 0; guess < 5; guess += 1) expect((await knock(bad, here)).status).toBe(401);
    const held = await knock(headersOf(agent), here);
    expect(held.status).toBe(429);
    expect(Number(held.wait)).toBeGreaterThan(0);
    expect(Number(held.wait)).toBeLessThanOrEqual(60);
    expect((await knock(headersOf(other), here)).status).toBe(200);
    // Whoever guesses elsewhere does not shut the agent out.
    expect((await knock(headersOf(agent), elsewhere)).status).toBe(200);
    const { items } = ok(await world.org.owner.get('/api/v1/audit?limit=200'));
    expect(JSON.stringify(items)).not.toContain('acs_wrong');
  });

  it('54: a client that nobody has fails as a wrong secret does, half a pair is no credential', async () => {
    const from = someAddress();
    const unknown = { client_id: 'agent_nobody', client_secret: 'acs_wrong' };
    expect(await knock(headersOf(unknown), from)).toEqual({ status: 401, wait: null });
    for (let guess = 0; guess < 4; guess += 1) await knock(headersOf(unknown), from);
    expect((await knock(headersOf(unknown), from)).status).toBe(429);
    expect((await knock({ 'x-client-id': 'agent_nobody' }, someAddress())).status).toBe(401);
  });

  it('54: a replaced secret, and an agent that is switched off, are refused with the next request', async () => {
    const agent = await world.agent();
    const from = someAddress();
    expect((await knock(headersOf(agent), from)).status).toBe(200);
    const rotated = ok(await agent.post('/api/v1/agents/rotate-secret', {}));
    expect((await knock(headersOf(agent), from)).status).toBe(401);
    expect((await knock(headersOf(rotated), from)).status).toBe(200);
    ok(await world.org.owner.patch(`/api/v1/agents/${agent.id}`, { active: false }));
    expect((await knock(headersOf(rotated), from)).status).toBe(401);
    ok(await world.org.owner.patch(`/api/v1/agents/${agent.id}`, { active: true }));
    expect((await knock(headersOf(rotated), from)).status).toBe(200);
  });
});

/** The SDK asks by the name that tokens are issued for. */
const origin = (): string => world.url.replace('127.0.0.1', 'localhost');

describe('53: the tokens of the SDK', () => {
  /** An agent's client that counts what it asks of the server, by path. */
  const counted = async () => {
    const agent = await world.agent();
    const asked: string[] = [];
    const store = memoryStore();
    const counting: typeof fetch = (input, init) => {
      asked.push(new URL(input instanceof Request ? input.url : input).pathname);
      return fetch(input, init);
    };
    const { client_id, client_secret, key } = agent;
    const client = createAgentClient({ url: origin(), client_id, client_secret, key, store, fetch: counting });
    await client.agents.whoami();
    asked.length = 0;
    const of = (path: string): number => asked.filter((one) => one === path).length;
    return { agent, client, store, of };
  };
  const resource = (): string => `${origin()}/api/v1`;

  it('53: are asked for once by fifty calls at a time when the old one is over', async () => {
    const { client, store, of } = await counted();
    const grant = (await store.get(resource()))!;
    // It counts as over five minutes before it is.
    expect(grant.expires_at! - Date.now()).toBeLessThanOrEqual(55 * 60_000);
    expect(grant.expires_at! - Date.now()).toBeGreaterThan(50 * 60_000);
    await store.set(resource(), { ...grant, expires_at: Date.now() - 1 });
    const answers = await Promise.all(Array.from({ length: 50 }, () => client.agents.whoami()));
    expect(new Set(answers.map(({ identity_id }) => identity_id)).size).toBe(1);
    expect([of('/oauth/token'), of('/api/v1/whoami')]).toEqual([1, 50]);
  });

  it('53: are renewed once when the server refuses one, and a call that is refused again is refused', async () => {
    const { agent, client, of } = await counted();
    const switched = async (active: boolean) =>
      ok(await world.org.owner.patch(`/api/v1/agents/${agent.id}`, { active }));
    await switched(false);
    await switched(true);
    expect((await client.agents.whoami()).identity_id).toBe(agent.id);
    expect([of('/oauth/token'), of('/api/v1/whoami')]).toEqual([1, 2]);
    await switched(false);
    await expect(client.agents.whoami()).rejects.toMatchObject({ error: 'invalid_client' });
    expect([of('/oauth/token'), of('/api/v1/whoami')]).toEqual([2, 3]);
  });

  it('16, 53: the SDK prepares, signs and hands in, and signs nothing but the bytes of a request', async () => {
    const { agent, client } = await counted();
    const done = await client.signMessage('release 1.4.1');
    expect(done).toMatchObject({ status: 'completed', valid: true, agent_id: agent.id });
    expect(await client.crypto.verify({ signature: done.signature! })).toEqual({
      ...{ valid: true, signer: { fingerprint: agent.key.fingerprint } },
    });
    const asked = await client.signing_requests.create({ message: 'by hand' });
    const signature = await client.signBytes(asked.signing_input);
    expect(signature).toBe(await client.sign('by hand', asked.nonce));
    expect((await client.signing_requests.sign({ request_id: asked.id, signature })).valid).toBe(true);
    const proof = btoa(rotationProof(agent.id, agent.key.public_key, agent.key.public_key));
    await expect(client.signBytes(proof)).rejects.toThrow('no signing_input');
  });
});

describe('the SDK as an agent', () => {
  const connected = async () => {
    const agent = await world.agent();
    const { client_id, client_secret, key } = agent;
    return { agent, client: createAgentClient({ url: origin(), client_id, client_secret, key }) };
  };

  it('has diaries, vouchers, keys and the public by the names of the tools', async () => {
    const [{ client, agent }, other] = [await connected(), await connected()];
    const diary = await client.diary.containers.create({ name: 'Notes', signed: true });
    const entry = await client.diary.create({ diary_ref: 'Notes', content: 'Staging moved', tags: ['a', 'a'] });
    expect(entry).toMatchObject({ tags: ['a'], proof: { seq: 1, public_key: agent.key.public_key } });
    await client.diary.supersede({ diary_ref: 'Notes', entry_id: entry.id, content: 'Staging moved to build-09' });
    const { items } = await client.diary.search({ query: 'staging', diary_ref: diary.id });
    expect(items.map((hit) => hit.snippet.text)).toEqual(['Staging moved to build-09']);
    expect(await client.diary.verify({ diary_ref: diary.id })).toMatchObject({ valid: true, entries: 2 });
    const share = await client.diary.share({ diary_ref: diary.id, fingerprint: other.agent.key.fingerprint });
    expect((await other.client.diary.invitations()).items.map(({ id }) => id)).toEqual([share.id]);
    await other.client.diary.accept({ share_id: share.id });
    expect((await other.client.diary.list({ diary_ref: diary.id })).items).toHaveLength(1);
    const { code } = await client.vouch.issue();
    expect((await client.vouch.list()).items.map((one) => one.code)).toEqual([code]);
    const { fingerprint } = other.agent.key;
    expect((await client.agents.lookup({ fingerprint })).public_key).toBe(other.agent.key.public_key);
    const asked = await client.crypto.signingRequests.create({ message: 'by hand' });
    expect((await client.signRequest(asked.request_id)).valid).toBe(true);
    expect((await client.public.feed()).items).toBeInstanceOf(Array);
    const refused = await client.diary.get({ diary_ref: 'Nowhere', entry_id: entry.id }).catch((error) => error);
    expect([refused.name, refused.statusCode, refused.code]).toEqual(['AtriumError', 404, 'not_found']);
  });

  it('goes on with a secret that it replaced, and hands it to whoever keeps it', async () => {
    const agent = await world.agent();
    const { client_id, client_secret } = agent;
    const [store, kept]: [ReturnType<typeof memoryStore>, string[]] = [memoryStore(), []];
    const client = createAgentClient({
      ...{ url: origin(), client_id, client_secret, store },
      onSecret: (fresh) => void kept.push(fresh.client_secret),
    });
    const fresh = await client.auth.rotateSecret();
    expect(kept).toEqual([fresh.client_secret]);
    expect((await world.tokenAnswer({ client_id, client_secret })).status).toBe(401);
    await store.set(`${origin()}/api/v1`, null);
    expect((await client.agents.whoami()).client_id).toBe(client_id);
  });
});

describe('the command line', () => {
  const home = newCliHome();
  afterAll(() => rmSync(home, { recursive: true, force: true }));
  const configPath = join(home, '.config', 'atrium', 'agent.json');
  const readConfig = (): Json => JSON.parse(readFileSync(configPath, 'utf8'));
  const atrium = (args: string[], options: CliOptions = {}) =>
    runCli(home, args, { ...options, env: { ATRIUM_URL: origin(), ...options.env } });
  const done = async (args: string[], options: CliOptions = {}): Promise<Json> => {
    const { code, out, err } = await atrium([...args, '--json'], options);
    expect([code, err.replaceAll(/^.*names the server.*\n/gm, '')], `${args.join(' ')}: ${err}`).toEqual([0, '']);
    return JSON.parse(out);
  };
  /** Calls a tool as a program does that reads `.mcp.json` with the variables of `atrium agent env`. */
  const callTool = async (tool: string, args: Record<string, unknown>): Promise<Json> => {
    const variables = await done(['agent', 'env']);
    const text = readFileSync(join(home, '.mcp.json'), 'utf8');
    const { url, headers } = JSON.parse(text.replaceAll(/\$\{(\w+)\}/g, (_, name) => variables[name])).mcpServers
      .atrium;
    const client = new Client({ name: 'configured', version: '1' });
    await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }) as never);
    const answer = (await client.callTool({ name: tool, arguments: args })) as { structuredContent: Json };
    await client.close();
    return answer.structuredContent;
  };

  it('11: from nothing but its key an agent replaces its lost secret and calls a tool over MCP', async () => {
    const code = await world.voucher();
    const registered = await done(['agent', 'register', '--voucher', '-', '--name', 'By hand'], { input: `${code}\n` });
    expect(statSync(configPath).mode & 0o777).toBe(0o600);
    const first = readConfig();
    expect(registered).toMatchObject({ identity_id: first.identity_id, client_id: first.oauth2.client_id });
    expect(JSON.stringify(registered)).not.toContain(first.oauth2.client_secret);
    // 52: what programs of MCP read holds no secret.
    const mcp = readFileSync(join(home, '.mcp.json'), 'utf8');
    expect(mcp).not.toContain(first.oauth2.client_secret);
    expect(statSync(join(home, '.mcp.json')).mode & 0o777).toBe(0o600);
    expect((await callTool('agent_whoami', {})).identity.identity_id).toBe(first.identity_id);

    rmSync(join(home, '.config'), { recursive: true });
    expect((await atrium(['agent', 'whoami'])).code).toBe(5);
    const recovered = await done(['agent', 'recover', '--private-key', '-'], { input: first.keys.private_key });
    expect(recovered).toMatchObject({ identity_id: first.identity_id, fingerprint: first.keys.fingerprint });
    const fresh = readConfig();
    expect(fresh.oauth2.client_id).toBe(first.oauth2.client_id);
    expect(fresh.oauth2.client_secret).not.toBe(first.oauth2.client_secret);
    expect((await world.tokenAnswer(first.oauth2)).status).toBe(401);
    const prepared = await callTool('crypto_prepare_signature', { message: 'I am back' });
    const signed = await done(['agent', 'sign', '--request-id', prepared.id]);
    expect(signed).toMatchObject({ status: 'completed', valid: true, message: 'I am back' });
    const checked = await atrium(['agent', 'verify', signed.signature, '--fingerprint', first.keys.fingerprint]);
    expect([checked.code, checked.out]).toEqual([0, `valid ${first.keys.fingerprint}\n`]);
  });

  it('other commands act as the agent that is kept, where nobody is signed in', async () => {
    const { identity_id, keys } = readConfig();
    expect(await done(['agent', 'whoami'])).toMatchObject({ identity_id, kind: 'agent' });
    expect(await done(['agents', 'whoami'])).toMatchObject({ identity_id });
    const { code } = await done(['vouchers', 'create']);
    const { items } = await done(['vouchers', 'list']);
    expect(items.map((one: Json) => one.code)).toEqual([code]);
    expect((await done(['agent', 'lookup', keys.fingerprint.toLowerCase()])).public_key).toBe(keys.public_key);
    expect((await atrium(['agent', 'lookup', 'nobody'])).code).toBe(2);
    const named = await world.agent();
    const env = { ATRIUM_CLIENT_ID: named.client_id, ATRIUM_CLIENT_SECRET: named.client_secret };
    expect((await done(['agent', 'whoami'], { env })).identity_id).toBe(named.id);
    const half = await atrium(['agent', 'whoami'], { env: { ATRIUM_CLIENT_ID: named.client_id } });
    expect([half.code, half.err]).toEqual([5, expect.stringContaining('go together')]);
  });

  it('50, 51: writes into a signed diary, finds it, takes it out, and checks it without a server', async () => {
    await done(['diaries', 'create', '--name', 'Log', '--signed']);
    const written = await done(['diary', 'create', 'Log', '-', '--tags', 'deploy,deploy'], { input: 'Staging\nmoved' });
    expect(written).toMatchObject({ content: 'Staging\nmoved', tags: ['deploy'], proof: { seq: 1 } });
    const found = await atrium(['diary', 'search', 'staging', 'servers', '--diary-ref', 'Log']);
    expect(found.out).toContain('*Staging* moved');
    expect(found.out).toContain('by its words · tags deploy');
    const taken = await atrium(['diary', 'export', 'Log']);
    const file = join(home, 'Log.jsonl');
    expect([taken.code, taken.out]).toEqual([0, expect.stringContaining(`${file}\nok   Log: 1 entry.`)]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    // Nobody answers there, and nobody is asked.
    const offline = { env: { ATRIUM_URL: 'http://127.0.0.1:9' } };
    const verify = (...args: string[]) => runCli(home, ['diary', 'verify', ...args], offline);
    expect((await verify('Log.jsonl')).code).toBe(0);
    writeFileSync(join(home, 'forged.jsonl'), readFileSync(file, 'utf8').replace('moved', 'm0ved'));
    const forged = await verify('forged.jsonl');
    const where = `line 2, entry ${written.id}: The entry was changed`;
    expect([forged.code, forged.out]).toEqual([1, expect.stringContaining(where)]);
    const again = await atrium(['diary', 'import', 'Log.jsonl', '--diary-ref', 'Log']);
    expect([again.code, again.out]).toEqual([0, expect.stringContaining('of 1 entry 0 added, 0 replaced, 1 skipped')]);
  });

  it('25: shares a diary by a fingerprint, and takes an invitation', async () => {
    const reader = await world.agent();
    const env = { ATRIUM_CLIENT_ID: reader.client_id, ATRIUM_CLIENT_SECRET: reader.client_secret };
    const share = await done(['diary', 'share', 'Log', '--fingerprint', reader.key.fingerprint, '--role', 'writer']);
    const asked = await atrium(['diary', 'invitations'], { env });
    expect(asked.out).toMatch(new RegExp(`^${share.id} +Log +writer`, 'm'));
    expect((await atrium(['diary', 'accept', share.id], { env })).out).toMatch(/^status +accepted$/m);
    // The key that is kept here is not the reader's, so what it would sign is not the reader's either.
    const foreign = await atrium(['diary', 'create', 'Log', 'said', 'by', 'another'], { env });
    expect([foreign.code, foreign.err]).toEqual([2, expect.stringContaining('not yours')]);
  });

  it('passes MCP between a program and the server, with the secret that is kept here', async () => {
    const call = { name: 'agent_whoami', arguments: {} };
    const lines = [
      greeting,
      { jsonrpc: '2.0', method: 'notifications/initialized' },
      { jsonrpc: '2.0', id: 2, method: 'tools/call', params: call },
      { jsonrpc: '2.0', id: 3, method: 'no/such' },
    ];
    const input = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    const run = await atrium(['agent', 'mcp'], { input });
    expect([run.code, run.err]).toEqual([0, '']);
    const answers = run.out
      .trim()
      .split('\n')
      .map((line): Json => JSON.parse(line));
    const of = (id: number): Json => answers.find((answer) => answer.id === id);
    expect(of(1).result.protocolVersion).toBe('2025-06-18');
    expect(of(2).result.structuredContent.identity.identity_id).toBe(readConfig().identity_id);
    expect(of(3).error.code).toBe(-32601);
  });

  it('1: signs the known answers byte for byte, without a server', async () => {
    const folder = newCliHome();
    const { private_key, public_key, fingerprint, nonce } = signingVectors;
    mkdirSync(join(folder, '.config', 'atrium'), { recursive: true });
    const keys = { private_key, public_key, fingerprint };
    writeFileSync(join(folder, '.config', 'atrium', 'agent.json'), JSON.stringify({ keys }), { mode: 0o600 });
    for (const { message, signature } of signingVectors.cases) {
      const run = await runCli(folder, ['agent', 'sign', '-', '--nonce', nonce], { input: message });
      expect([run.code, run.out]).toEqual([0, `${signature}\n`]);
    }
    const [{ message, signature }] = signingVectors.cases;
    const offline = ['agent', 'verify', signature, '--public-key', public_key, '--nonce', nonce, '--message'];
    expect((await runCli(folder, [...offline, message])).code).toBe(0);
    expect((await runCli(folder, [...offline, 'another'])).code).toBe(1);
    rmSync(folder, { recursive: true });
  });

  it('15: replaces secret and key, and goes on with the new ones', async () => {
    const before = readConfig();
    await done(['agent', 'rotate-secret']);
    expect((await world.tokenAnswer(before.oauth2)).status).toBe(401);
    expect((await done(['agent', 'whoami'])).identity_id).toBe(before.identity_id);
    const rotated = await done(['agent', 'rotate-key']);
    expect(rotated.fingerprint).not.toBe(before.keys.fingerprint);
    expect((await done(['agent', 'whoami'])).fingerprint).toBe(rotated.fingerprint);
    expect((await done(['directory', 'get', before.keys.fingerprint])).replaced_by).toBe(rotated.fingerprint);
    expect((await done(['agent', 'sign', 'by the new key'])).valid).toBe(true);
    expect(readConfig().keys.next).toBeUndefined();
    // Killed after the server took a key and before that was noted: the next run finds out.
    const { keys, ...rest } = readConfig();
    writeFileSync(configPath, JSON.stringify({ ...rest, keys: { ...before.keys, next: keys } }), { mode: 0o600 });
    expect((await done(['agent', 'rotate-key'])).fingerprint).toBe(rotated.fingerprint);
  });

  it('3: a registration that was cut off goes on with the same key and gets the same answer', async () => {
    const folder = newCliHome();
    const path = join(folder, '.config', 'atrium', 'agent.json');
    const env = { ATRIUM_URL: origin(), ATRIUM_AGENT_PASSPHRASE: 'horse' };
    const run = (...args: string[]) => runCli(folder, args, { env });
    const code = await world.voucher();
    expect((await run('agent', 'register', '--passphrase', '--voucher', 'f'.repeat(64))).code).toBe(6);
    const { keys } = JSON.parse(readFileSync(path, 'utf8'));
    // The key is under its passphrase from the first moment.
    expect(Object.keys(keys)).toEqual(['public_key', 'fingerprint', 'sealed_private_key']);
    const locked = await runCli(folder, ['agent', 'sign', 'x', '--nonce', 'y']);
    expect([locked.code, locked.err]).toEqual([5, expect.stringContaining('passphrase')]);
    expect((await run('agent', 'register', '--voucher', code, '--no-mcp')).code).toBe(0);
    const whole = JSON.parse(readFileSync(path, 'utf8'));
    expect(whole.keys).toEqual(keys);
    expect(whole.pending).toBeUndefined();
    expect((await run('agent', 'register', '--voucher', code)).code).toBe(8);
    // The answer is lost, and what was sent is asked again.
    const hash = createHash('sha256').update(code).digest('hex');
    const { rows } = await world.database.query(
      `select key from core_idempotency_keys where operation = 'agents.register' order by created_at desc limit 1`,
    );
    const pending = { idempotency_key: rows[0].key, code_hash: hash, api: origin() };
    writeFileSync(path, JSON.stringify({ keys, endpoints: whole.endpoints, pending }), { mode: 0o600 });
    expect((await run('agent', 'register', '--voucher', code, '--no-mcp')).code).toBe(0);
    expect(JSON.parse(readFileSync(path, 'utf8')).oauth2).toEqual(whole.oauth2);
    // With another idempotency key the server only says that it has the key.
    writeFileSync(path, JSON.stringify({ keys, endpoints: whole.endpoints }), { mode: 0o600 });
    const late = await run('agent', 'register', '--voucher', await world.voucher());
    expect([late.code, late.err]).toEqual([8, expect.stringContaining('atrium agent recover')]);
    expect((await run('agent', 'recover')).code).toBe(0);
    rmSync(folder, { recursive: true });
  });
});

describe('what an agent reads that has the address alone', () => {
  it('names addresses that answer, may be kept for an hour, and says the same to programs and to models', async () => {
    const known = await world.anonymous.get('/.well-known/atrium.json');
    expect(known.headers.get('cache-control')).toBe('public, max-age=3600');
    const info = ok(await world.anonymous.get('/api/v1/agents/info'));
    expect(known.body).toMatchObject(info);
    const { endpoints } = known.body;
    for (const url of [endpoints.info, endpoints.trust_graph, endpoints.openapi, endpoints.authorization_server])
      expect((await fetch(url)).status, url).toBe(200);
    for (const url of [endpoints.mcp, endpoints.token, endpoints.register, ...endpoints.recovery]) {
      const { status } = await fetch(url, { method: 'POST' });
      expect([400, 401, 415, 422], url).toContain(status);
    }
    const text = await (await fetch(`${world.url}/llms.txt`)).text();
    for (const line of [...info.register, ...info.recover, ...info.sign]) expect(text).toContain(line);
  });
});
