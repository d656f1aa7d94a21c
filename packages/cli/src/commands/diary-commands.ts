import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import {
  diariesAcceptInvitation,
  diariesCreateEntry,
  diariesDeclineInvitation,
  diariesDeleteEntry,
  diariesEntryHistory,
  diariesGetEntry,
  diariesImport,
  diariesListEntries,
  diariesListInvitations,
  diariesListShares,
  diariesReflect,
  diariesRevokeShare,
  diariesSearch,
  diariesShare,
  diariesSupersedeEntry,
  diariesUpdateEntry,
  type Operation,
} from '@atrium/protocol';
import { type CallOptions, createAtrium, type DiaryNamespace, diaryNamespace } from '@atrium/sdk';
import {
  type ArchiveCheck,
  exportDiary,
  heldKey,
  importDiary,
  requireAgentFile,
  verifyArchiveFiles,
} from '@atrium/sdk/node';
import { Command, Option } from 'commander';
import { keyHomeOf } from '../agent-home.ts';
import { withExamples } from '../examples.ts';
import { CliExit, usageError } from '../exit-codes.ts';
import { type Io, readAll } from '../io.ts';
import { type CommandShape, operationCommand } from '../operation-command.ts';
import { counted, oneLine, printable, show } from '../output.ts';
import type { Session } from '../session.ts';

/* ---------- entries ---------- */

/** What is written into a signed diary is signed with the key that is kept here, which is opened only then. */
const diaryOf = (session: Session, command: Command): DiaryNamespace => {
  const { url, credential } = session.connection(command);
  const home = keyHomeOf(session.io);
  return diaryNamespace(createAtrium({ url, ...credential }), () => heldKey(home, requireAgentFile(home).file));
};

const writing = (session: Session, verb: 'create' | 'supersede'): NonNullable<CommandShape['perform']> => {
  const { io } = session;
  return async (command: Command, input: Record<string, unknown>, call: CallOptions) => {
    const { content } = input;
    if (typeof content !== 'string' || content === '')
      throw usageError('Give what the entry says, or - to read it from standard input.');
    const whole = { ...input, content: content === '-' ? await readAll(io.stdin) : content };
    const write = diaryOf(session, command)[verb] as (input: unknown, call: CallOptions) => Promise<unknown>;
    return write(whole, call);
  };
};

type Named = readonly [verb: string, operation: Operation, shape: CommandShape];
const of = (verb: string, operation: unknown, shape: CommandShape): Named => [verb, operation as Operation, shape];

const anEntry = '0190a000-0000-7000-8000-000000000000';

const entryCommands = (session: Session): Named[] => [
  of('create', diariesCreateEntry, {
    words: 'content',
    perform: writing(session, 'create'),
    examples: [
      'atrium diary create Private "Staging moved to build-09; deploy with make ship." --tags deploy',
      'git log -1 | atrium diary create Private - --title "Last commit"',
    ],
  }),
  of('supersede', diariesSupersedeEntry, {
    words: 'content',
    perform: writing(session, 'supersede'),
    examples: [`atrium diary supersede Private ${anEntry} "Staging moved to build-10."`],
  }),
  of('search', diariesSearch, {
    words: 'query',
    // Where it matches; --content full shows all of it.
    defaults: { content: 'snippet' },
    examples: [
      'atrium diary search how do I deploy',
      `atrium diary search '"make ship" -production' --diary-ref Private --content full`,
    ],
  }),
  of('list', diariesListEntries, { examples: ['atrium diary list Private --tags deploy --limit 10'] }),
  of('get', diariesGetEntry, { examples: [`atrium diary get Private ${anEntry}`] }),
  of('update', diariesUpdateEntry, { examples: [`atrium diary update Private ${anEntry} --importance 8`] }),
  of('delete', diariesDeleteEntry, { examples: [`atrium diary delete Private ${anEntry}`] }),
  of('history', diariesEntryHistory, { examples: [`atrium diary history Private ${anEntry}`] }),
  of('reflect', diariesReflect, { examples: ['atrium diary reflect --diary-ref Private --days 14'] }),
];

const sharingCommands = (): Named[] => [
  of('share', diariesShare, {
    examples: ['atrium diary share Release --fingerprint 21FE-31DF-A154-A261 --role writer'],
  }),
  of('shares', diariesListShares, { examples: ['atrium diary shares Release --status pending,accepted,revoked'] }),
  of('revoke', diariesRevokeShare, { examples: [`atrium diary revoke Release ${anEntry}`] }),
  of('invitations', diariesListInvitations, { examples: ['atrium diary invitations'] }),
  of('accept', diariesAcceptInvitation, { examples: [`atrium diary accept ${anEntry}`] }),
  of('decline', diariesDeclineInvitation, { examples: [`atrium diary decline ${anEntry}`] }),
];

/* ---------- archives ---------- */

interface JsonFlag {
  json?: boolean;
}

const size = (bytes: number): string =>
  bytes < 1_000_000 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;

const readable = async (io: Io, given: readonly string[]): Promise<string[]> => {
  const files = given.map((file) => resolve(io.cwd, file));
  for (const [at, file] of files.entries())
    await access(file).catch((error: NodeJS.ErrnoException) => {
      throw usageError(`${given[at]} cannot be read (${error.code}).`);
    });
  return files;
};

const holds = ({ diary, entries, erased }: ArchiveCheck): string => {
  const gone = erased === 0 ? '' : `, ${erased} of them erased`;
  const what =
    diary?.signed === true
      ? 'Content ids, signatures and chain hold.'
      : 'Content ids hold. The diary is not signed, so the server alone says who wrote what.';
  return `ok   ${oneLine(diary?.name ?? '')}: ${counted(entries)}${gone}. ${what}`;
};

const fault = ({ file, line, entry_id, detail }: ArchiveCheck): string =>
  `bad  ${printable(file ?? '')}${line === null ? '' : ` line ${line}`}${entry_id === null ? '' : `, entry ${entry_id}`}: ${detail}`;

/** What a check found, for people; exit status 1 when something is wrong. */
const report = (io: Io, check: ArchiveCheck, json: boolean): void => {
  if (json) show(io, check, true);
  else {
    io.stdout.write(`${check.ok ? holds(check) : fault(check)}\n`);
    if (check.ok && check.signer !== null)
      io.stdout.write(`     Written by the server ${check.signer.fingerprint} at ${check.exported_at}.\n`);
    const { before, after } = check.missing;
    if (check.ok && before) io.stderr.write('Warning: parts before the first were not given, and not checked.\n');
    if (check.ok && after !== null)
      io.stderr.write(`Warning: another part follows after entry ${after}; it was not given, and not checked.\n`);
  }
  if (!check.ok) throw new CliExit('no');
};

const verifyHere = async (io: Io, given: readonly string[], flags: JsonFlag & { signer?: string }): Promise<void> => {
  const options = flags.signer === undefined ? {} : { signer: flags.signer };
  report(io, await verifyArchiveFiles(await readable(io, given), options), flags.json === true);
};

/** How far it is, on a terminal in place and each megabyte at most; elsewhere nothing until a file is done. */
const countBytes = (io: Io): { see: (file: string, bytes: number) => void; end: () => void } => {
  let shown = 0;
  const clear = (): void => void (shown > 0 && io.stderr.write('\r\u001b[K'));
  return {
    see: (file, bytes) => {
      if (io.stderr.isTTY !== true || (bytes >= shown && bytes - shown < 1_000_000)) return;
      shown = bytes;
      io.stderr.write(`\r\u001b[K${printable(file)}  ${size(bytes)}`);
    },
    end: clear,
  };
};

const fileNameOf = (ref: string): string => `${ref.replaceAll(/[^\p{L}\p{N} ._-]/gu, '_')}.jsonl`;

const exportHere = async (
  session: Session,
  diary_ref: string,
  flags: JsonFlag & { output?: string },
  command: Command,
): Promise<void> => {
  const { io, signal } = session;
  const file = resolve(io.cwd, flags.output ?? fileNameOf(diary_ref));
  const progress = countBytes(io);
  const check = await exportDiary(session.transport(command), {
    ...{ diary_ref, file, signal },
    onProgress: (at) => progress.see(at.file, at.bytes),
  }).finally(progress.end);
  if (flags.json !== true) for (const one of check.files) io.stdout.write(`${printable(one)}\n`);
  report(io, check, flags.json === true);
};

interface ImportFlags extends JsonFlag {
  diaryRef?: string;
  policy: 'skip' | 'replace' | 'copy';
  signer?: string;
}

const importHere = async (
  session: Session,
  given: readonly string[],
  { diaryRef, policy, signer, json }: ImportFlags,
  command: Command,
): Promise<void> => {
  const { io, signal } = session;
  const done = await importDiary(session.transport(command), {
    ...{ files: await readable(io, given), policy, signal },
    ...(diaryRef === undefined ? {} : { diary_ref: diaryRef }),
    ...(signer === undefined ? {} : { signer }),
    onProgress: ({ file, part, of: parts, bytes }) => {
      if (json !== true) io.stderr.write(`Sending ${printable(file)}, part ${part} of ${parts}, ${size(bytes)}\n`);
    },
  });
  if (json === true) return show(io, done, true);
  const { diary, entries, added, replaced, skipped, signer: by } = done;
  io.stdout.write(
    `${oneLine(diary.name)} (${diary.id}): of ${counted(entries)} ${added} added, ${replaced} replaced, ${skipped} skipped. Written by the server ${by}.\n`,
  );
  if (done.next_after !== null) io.stderr.write('Another part follows; bring it in as well.\n');
};

const signerOption = (): Option =>
  new Option('--signer <key>', 'key or fingerprint of the server that must have written it');
const jsonOption = (): Option => new Option('--json', 'the answer as JSON');

const addArchiveCommands = (group: Command, session: Session): void => {
  const { io } = session;
  const verify = group
    .command('verify')
    .summary('check an exported archive without any server')
    .description(
      `Checks content ids, signatures, the chain and what is left of erased entries, with nothing but the files, and names the first entry that is wrong. Several parts are put in order and must meet. Exit status 1 when something is wrong.
Who wrote a signed entry is proven by its key. That the archive is of the server that it names is proven to whoever knows the key of that server, from its /.well-known/atrium.json: see --signer.`,
    )
    .argument('<archive...>', 'files that "atrium diary export" wrote')
    .addOption(signerOption())
    .addOption(jsonOption())
    .action((files: string[], flags: JsonFlag & { signer?: string }) => verifyHere(io, files, flags));
  withExamples(verify, 'atrium diary verify Release.jsonl', 'atrium diary verify Release.jsonl* --json');
  const take = group
    .command('export')
    .summary('write a diary to files, and check them')
    .description(
      'Writes an archive, in parts of 1 GiB at most, and checks it while it comes. The files are for you alone (0600); none that exists is written over. Needs the scope diary:read, and that you manage the diary.',
    )
    .argument('<diary_ref>', 'id or name')
    .addOption(new Option('-o, --output <file>', 'of the first part; default: the name of the diary and .jsonl'))
    .addOption(jsonOption())
    .action((ref: string, flags: JsonFlag & { output?: string }, command: Command) =>
      exportHere(session, ref, flags, command),
    );
  withExamples(take, 'atrium diary export Release -o release.jsonl');
  const { policy } = diariesImport.input.shape;
  const bring = group
    .command('import')
    .summary('bring in a diary from files')
    .description(
      `Checks the archive here, then sends its parts in order. Without --diary-ref it goes into the diary that came from the same one before, or into a new private one. Needs the scope diary:write.`,
    )
    .argument('<archive...>', 'files that "atrium diary export" wrote')
    .addOption(new Option('--diary-ref <text>', 'id or name of the diary that it goes into'))
    .addOption(
      new Option('--policy <value>', 'what becomes of entries that are there already')
        .choices([...policy.unwrap().options])
        .default('skip'),
    )
    .addOption(signerOption())
    .addOption(jsonOption())
    .action((files: string[], flags: ImportFlags, command: Command) => importHere(session, files, flags, command));
  withExamples(bring, 'atrium diary import release.jsonl', 'atrium diary import Release.jsonl* --policy replace');
};

/** Diaries as one uses them: the names that the tools have, and archives as files. */
export const addDiaryCommands = (program: Command, session: Session, words?: readonly string[]): void => {
  const group = new Command('diary').summary('write, find and share what is remembered; archives as files').description(
    `Entries, search, sharing and archives, by the names that the tools of MCP have. "atrium diaries" has every operation, and diaries themselves.
Entries of a signed diary are signed with the key of the agent that is kept here.`,
  );
  // Their flags come from schemas, which takes time.
  if (words === undefined || words.includes('diary')) {
    for (const [verb, operation, shape] of [...entryCommands(session), ...sharingCommands()])
      operationCommand(group.command(verb), operation, session, shape);
    addArchiveCommands(group, session);
  }
  program.addCommand(group);
};
