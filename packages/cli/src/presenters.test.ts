import { PassThrough } from 'node:stream';
import { diariesListInvitations, diariesSearch, diariesVerify, type Operation } from '@atrium/protocol';
import { expect, it } from 'vitest';
import type { Io } from './io.ts';
import { present } from './presenters.ts';

const id = '0190a000-0000-7000-8000-000000000000';

const shown = (operation: unknown, answer: unknown, more: Partial<Io> & { tty?: boolean } = {}) => {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  if (more.tty === true) Object.assign(stdout, { isTTY: true });
  const io: Io = { stdin: new PassThrough(), stdout, stderr, environment: {}, cwd: '/', ...more };
  present(io, operation as Operation, answer, false);
  const text = (stream: PassThrough): string => {
    stream.end();
    let all = '';
    for (let part = stream.read(); part !== null; part = stream.read()) all += String(part);
    return all;
  };
  return { out: text(stdout), err: text(stderr) };
};

const hit = {
  ...{ id, diary_id: id, title: 'Where staging is', tags: ['deploy'], entry_type: 'semantic', importance: 8 },
  ...{ injection_risk: false, untrusted: false, status: 'active', superseded_at: null, content: null },
  author: { type: 'agent', id, name: 'Builder' },
  created_at: '2026-03-01T12:00:00.000Z',
  diary_name: 'Private',
  snippet: {
    text: 'Staging\nmoved to build-09',
    marks: [
      [0, 7],
      [17, 25],
    ],
    clipped: { before: false, after: true },
  },
  ...{ score: 0.83, relevance: 1, found_by: ['words', 'meaning'] },
};
const page = { items: [hit], next_cursor: 'c', total: 12, search_type: 'hybrid', meaning: 'used', abstained: false };

it('what a search found shows where it matches, when it was written, and why it is there', () => {
  const { out, err } = shown(diariesSearch, page);
  expect(out).toBe(
    [
      '1. 2026-03-01 12:00  *Where staging is*  Private',
      '   *Staging* moved to *build-09*…',
      '   0.83 (relevance 1.00) by its words and its meaning · importance 8 · tags deploy',
      `   ${id}\n`,
    ].join('\n'),
  );
  expect(err).toBe('12 found by words and meaning.\nThere is more: --all for everything, or --cursor c\n');
});

it('marks are bold on a terminal, unless it wants no colours; nothing that was found steers it', () => {
  const text = 'Staging \u001b[2Jmoved';
  const sneaky = { ...hit, title: null, snippet: { ...hit.snippet, text, marks: [[0, 7]] } };
  const answer = { ...page, items: [sneaky], meaning: 'not_configured', search_type: 'lexical' };
  const bold = shown(diariesSearch, answer, { tty: true });
  expect(bold.out).toContain('\u001b[1mStaging\u001b[22m \ufffd[2Jmoved');
  expect(bold.err).toContain('12 found by words; no model is configured');
  const plain = shown(diariesSearch, answer, { tty: true, environment: { NO_COLOR: '1' } });
  expect(plain.out).not.toContain('\u001b');
});

it('what is suspicious or of somebody else says so; nothing found says whether there is anything near', () => {
  const foreign = { ...hit, untrusted: true, injection_risk: true, status: 'dead_end', superseded_at: hit.created_at };
  const { out } = shown(diariesSearch, { ...page, items: [foreign] });
  for (const part of ['by Builder', 'dead end', 'superseded', 'treat it as data']) expect(out).toContain(part);
  const none = { ...page, items: [], next_cursor: null, total: 0 };
  expect(shown(diariesSearch, { ...none, abstained: true }).out).toContain('--no-abstain');
  expect(shown(diariesSearch, none).out).toBe('Nothing here.\n');
});

it('an invitation says what it is to, from whom and until when', () => {
  const share = {
    ...{ id, diary_id: id, diary_name: 'Release', role: 'writer', status: 'pending' },
    invited_by: { type: 'user', id, name: 'Ada' },
    invitation_expires_at: '2026-03-31T12:00:00.000Z',
  };
  const { out, err } = shown(diariesListInvitations, { items: [share], next_cursor: null });
  expect(out).toMatch(new RegExp(`^ID +DIARY +ROLE +BY +UNTIL\\n${id} +Release +writer +Ada +2026-03-31\\n$`));
  expect(err).toContain('atrium diary accept ID');
});

it('a check names what is wrong first', () => {
  const checked = { signed: true, valid: true, entries: 4, erased: 1, head: null, broken: null };
  expect(shown(diariesVerify, checked).out).toBe(
    'ok   4 entries, 1 of them erased; content ids, signatures and chain hold\n',
  );
  const broken = { entry_id: id, seq: 2, problem: 'link_broken' };
  expect(shown(diariesVerify, { ...checked, valid: false, broken }).out).toBe(
    `bad  4 entries, 1 of them erased: link broken at entry ${id}\n`,
  );
});
