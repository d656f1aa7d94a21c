import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ArchivedEntry,
  type ArchiveHeader,
  type ChainPosition,
  chainHash,
  chainStart,
  entryContentId,
  LinesDigest,
  sealArchive,
  signEntry,
} from '@atrium/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AgentKey, makeAgentKey } from '../agent/agent-key.ts';
import { Transport } from '../client.ts';
import { exportDiary, importDiary, verifyArchiveFiles } from './diary-archives.ts';

const directory = mkdtempSync(join(tmpdir(), 'atrium-sdk-archives-'));
afterAll(() => rmSync(directory, { recursive: true }));

const chain_id = crypto.randomUUID();
const diary_id = crypto.randomUUID();
const at = '2026-03-01T12:00:00.000Z';
let server: AgentKey;
let author: AgentKey;

interface Chain {
  entries: ArchivedEntry[];
  positions: ChainPosition[];
}

const plainEntry = async (content: string): Promise<ArchivedEntry> => ({
  ...{ kind: 'entry', id: crypto.randomUUID(), title: null, content, tags: ['b', 'a'], entry_type: 'semantic' },
  ...{ importance: 5, status: 'active', confidence: null, valid_from: null, valid_to: null, expires_at: null },
  ...{ superseded_by: null, superseded_at: null, author: { type: 'agent', name: 'Author' } },
  content_id: await entryContentId({ content, title: null, tags: ['b', 'a'], entry_type: 'semantic' }),
  ...{ created_at: at, updated_at: at, erased_at: null, proof: null },
});

const chainOf = async (contents: readonly string[]): Promise<Chain> => {
  const chain: Chain = { entries: [], positions: [await chainStart(chain_id)] };
  for (const content of contents) {
    const entry = await plainEntry(content);
    const before = chain.positions.at(-1)!;
    const signature = await signEntry(author.private_key, entry, chain_id);
    const link = { prev_hash: before.hash, signature, public_key: author.public_key };
    const position = { seq: before.seq + 1, hash: await chainHash({ ...entry, ...link }) };
    chain.entries.push({ ...entry, proof: { ...link, seq: position.seq, chain_hash: position.hash } });
    chain.positions.push(position);
  }
  return chain;
};

interface PartPlan {
  entries: readonly ArchivedEntry[];
  chain?: ArchiveHeader['diary']['chain'];
  after?: string | null;
  next_after?: string | null;
  by?: AgentKey;
  id?: string;
}

const archiveOf = async ({
  entries,
  chain = null,
  after = null,
  next_after = null,
  by = server,
  id = diary_id,
}: PartPlan) => {
  const header: ArchiveHeader = {
    ...{ kind: 'diary', format: 'atrium-diary', version: 1, source: 'https://atrium.example', exported_at: at, after },
    diary: {
      ...{ id, name: 'Log', visibility: 'private', language: 'english', injection_policy: 'flag' },
      ...{ created_at: at, chain },
    },
  };
  const lines = [header, ...entries].map((line) => JSON.stringify(line));
  const digest = new LinesDigest();
  for (const line of lines) await digest.add(line);
  const end = { entries: entries.length, next_after, digest: digest.hex };
  return `${[...lines, await sealArchive(by.private_key, by.public_key, end)].join('\n')}\n`;
};

let files = 0;
const fileOf = async (plan: PartPlan): Promise<string> => {
  const path = join(directory, `${files++}.jsonl`);
  writeFileSync(path, await archiveOf(plan));
  return path;
};

/** Four signed entries in two files. */
const twoParts = async () => {
  const chain = await chainOf(['one', 'two', 'three', 'four']);
  const [head, middle] = [chain.positions[4]!, chain.positions[2]!];
  const [first, second] = [chain.entries.slice(0, 2), chain.entries.slice(2)];
  const after = first[1]!.id;
  const plans: [PartPlan, PartPlan] = [
    { entries: first, chain: { id: chain_id, from: chain.positions[0]!, head }, next_after: after },
    { entries: second, chain: { id: chain_id, from: middle, head }, after },
  ];
  return { chain, plans };
};

beforeAll(async () => {
  [server, author] = [await makeAgentKey(), await makeAgentKey()];
});

describe('an archive, with nothing but its files', () => {
  it('51: holds, whole or in parts in whatever order, and says whose it is', async () => {
    const { plans } = await twoParts();
    const [one, two] = [await fileOf(plans[0]), await fileOf(plans[1])];
    for (const given of [
      [one, two],
      [two, one],
    ])
      expect(await verifyArchiveFiles(given)).toMatchObject({
        ...{
          ok: true,
          problem: null,
          entries: 4,
          erased: 0,
          files: [one, two],
          missing: { before: false, after: null },
        },
        diary: { id: diary_id, name: 'Log', signed: true },
        signer: { public_key: server.public_key, fingerprint: server.fingerprint },
      });
    expect((await verifyArchiveFiles([one])).missing).toEqual({ before: false, after: plans[1].after });
    expect((await verifyArchiveFiles([two])).missing).toEqual({ before: true, after: null });
    for (const signer of [server.public_key, server.fingerprint, server.fingerprint.toLowerCase()])
      expect((await verifyArchiveFiles([one, two], { signer })).ok).toBe(true);
    for (const signer of [author.public_key, author.fingerprint])
      expect(await verifyArchiveFiles([one, two], { signer })).toMatchObject({ ok: false, problem: 'other_signer' });
  });

  it('50: names the first entry that was changed, in the file and the line where it stands', async () => {
    const { chain, plans } = await twoParts();
    const one = await fileOf(plans[0]);
    const third = chain.entries[2]!;
    const cases: [Partial<ArchivedEntry>, string][] = [
      [{ content: 'forged' }, 'says something else than its content id'],
      [{ importance: 9 }, 'hash of the chain'],
      [{ proof: { ...third.proof!, signature: chain.entries[0]!.proof!.signature } }, 'hash of the chain'],
    ];
    for (const [change, why] of cases) {
      // Sealed anew, as a server could that wants to deceive.
      const two = await fileOf({ ...plans[1], entries: [{ ...third, ...change }, chain.entries[3]!] });
      expect(await verifyArchiveFiles([one, two])).toMatchObject({
        ...{ ok: false, problem: 'chain_broken', file: two, line: 2, entry_id: third.id },
        detail: expect.stringContaining(why),
      });
    }
    // Not sealed anew.
    const path = await fileOf(plans[1]);
    writeFileSync(path, readFileSync(path, 'utf8').replace('2026-03-01T12:00:00.000Z', '2026-03-01T12:00:00.001Z'));
    expect(await verifyArchiveFiles([one, path])).toMatchObject({ ok: false, problem: 'digest_mismatch' });
  });

  it('50: holds with an erased entry, whose hashes are what is left of it', async () => {
    const chain = await chainOf(['kept', 'secret', 'later']);
    const erased = { ...chain.entries[1]!, content: '', title: null, tags: [], erased_at: at };
    const entries = [chain.entries[0]!, erased, chain.entries[2]!];
    const path = await fileOf({
      entries,
      chain: { id: chain_id, from: chain.positions[0]!, head: chain.positions[3]! },
    });
    expect(await verifyArchiveFiles([path])).toMatchObject({ ok: true, entries: 3, erased: 1 });
    const without = await fileOf({
      entries: [chain.entries[0]!, chain.entries[2]!],
      chain: { id: chain_id, from: chain.positions[0]!, head: chain.positions[3]! },
    });
    expect(await verifyArchiveFiles([without])).toMatchObject({ ok: false, entry_id: chain.entries[2]!.id });
  });

  it('51: parts that do not belong together are told apart', async () => {
    const { chain, plans } = await twoParts();
    const one = await fileOf(plans[0]);
    const wrong = async (plan: Partial<PartPlan>) =>
      (await verifyArchiveFiles([one, await fileOf({ ...plans[1], ...plan })])).problem;
    expect(await wrong({ by: author })).toBe('other_signer');
    expect(await wrong({ id: crypto.randomUUID() })).toBe('other_diary');
    expect(await wrong({ after: chain.entries[2]!.id })).toBe('part_missing');
    // Another chain from there on, each link of it sound.
    const head = chain.positions[4]!;
    expect(
      await wrong({ entries: chain.entries.slice(3), chain: { id: chain_id, from: chain.positions[3]!, head } }),
    ).toBe('parts_do_not_meet');
    expect((await verifyArchiveFiles([one, one])).problem).toBe('part_missing');
  });

  it('of a diary that nobody signed holds by its content ids', async () => {
    const entries = [await plainEntry('a'), await plainEntry('b')];
    expect(await verifyArchiveFiles([await fileOf({ entries })])).toMatchObject({ ok: true, diary: { signed: false } });
    const forged = await fileOf({ entries: [entries[0]!, { ...entries[1]!, content: 'c' }] });
    expect(await verifyArchiveFiles([forged])).toMatchObject({
      ...{ ok: false, problem: 'content_mismatch', line: 3, entry_id: entries[1]!.id },
    });
  });
});

describe('files of a diary', () => {
  /** Answers exports with what it is given, in order, and counts what is sent to it. */
  const serverWith = (...answers: (() => string | ReadableStream)[]) => {
    const asked: { url: string; body: unknown }[] = [];
    const answer: typeof fetch = async (input, init) => {
      const { body } = init ?? {};
      asked.push({ url: String(input), body: body instanceof Blob ? await body.text() : JSON.parse(String(body)) });
      return new Response(answers.shift()!(), { headers: { 'content-type': 'application/json' } });
    };
    return { asked, transport: new Transport({ url: 'http://atrium.example', token: 'x', fetch: answer }) };
  };

  it('51: are written part after part, for their owner alone, checked, and never over others', async () => {
    const { plans } = await twoParts();
    const [one, two] = [await archiveOf(plans[0]), await archiveOf(plans[1])];
    const { asked, transport } = serverWith(
      () => one,
      () => two,
    );
    const file = join(directory, 'log.jsonl');
    const seen: number[] = [];
    const check = await exportDiary(transport, { diary_ref: 'Log', file, onProgress: ({ bytes }) => seen.push(bytes) });
    expect(check).toMatchObject({ ok: true, entries: 4, files: [file, `${file}.2`] });
    expect([readFileSync(file, 'utf8'), readFileSync(`${file}.2`, 'utf8')]).toEqual([one, two]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(asked.map(({ body }) => body)).toEqual([{}, { after: plans[1].after }]);
    expect(seen).toEqual([one.length, two.length]);
    await expect(exportDiary(transport, { diary_ref: 'Log', file })).rejects.toMatchObject({ code: 'already_there' });
    expect(asked).toHaveLength(2);
  });

  it('51: that break off are not kept, and what came whole and is wrong is', async () => {
    const { chain, plans } = await twoParts();
    const text = await archiveOf(plans[0]);
    const cut = join(directory, 'cut.jsonl');
    const breaking = (): ReadableStream =>
      new ReadableStream({
        start: (stream) => {
          stream.enqueue(new TextEncoder().encode(text.slice(0, 300)));
          stream.error(new TypeError('terminated'));
        },
      });
    for (const answer of [() => text.slice(0, -50).replace(/[^\n]*$/, ''), breaking, () => '']) {
      const { transport } = serverWith(answer);
      await expect(exportDiary(transport, { diary_ref: 'Log', file: cut })).rejects.toMatchObject({
        code: expect.stringMatching(/unreachable/),
      });
      for (const path of [cut, `${cut}.partial`]) expect(() => statSync(path)).toThrow('ENOENT');
    }
    const [first, ...rest] = chain.entries;
    const forged = await archiveOf({
      entries: [{ ...first!, content: 'forged' }, ...rest],
      chain: { id: chain_id, from: chain.positions[0]!, head: chain.positions[4]! },
    });
    const file = join(directory, 'forged.jsonl');
    const check = await exportDiary(serverWith(() => forged).transport, { diary_ref: 'Log', file });
    expect(check).toMatchObject({ ok: false, file, entry_id: first!.id });
    // All of it, for whoever wants to look.
    expect(readFileSync(file, 'utf8')).toBe(forged);
  });

  it('51: are checked before anything is sent, and go into one diary', async () => {
    const { plans } = await twoParts();
    const files = [await fileOf(plans[1]), await fileOf(plans[0])];
    const diary = { id: diary_id, name: 'Log' };
    const done = (added: number) => () =>
      JSON.stringify({ diary, entries: 2, added, replaced: 0, skipped: 2 - added, signer: 'x', next_after: null });
    const { asked, transport } = serverWith(done(2), done(1));
    const all = await importDiary(transport, { files, policy: 'copy', signer: server.fingerprint });
    expect(all).toMatchObject({ diary, entries: 4, added: 3, skipped: 1 });
    const queries = asked.map(({ url }) => Object.fromEntries(new URL(url).searchParams));
    expect(asked.map(({ body }) => body)).toEqual([await archiveOf(plans[0]), await archiveOf(plans[1])]);
    const signer = server.fingerprint;
    expect(queries).toEqual([
      { policy: 'copy', signer },
      { policy: 'copy', signer, diary_ref: diary_id },
    ]);
    const broken = await fileOf({ ...plans[1], by: author });
    const refused = serverWith();
    await expect(importDiary(refused.transport, { files: [files[1]!, broken] })).rejects.toMatchObject({
      code: 'archive_damaged',
    });
    expect(refused.asked).toEqual([]);
  });
});
