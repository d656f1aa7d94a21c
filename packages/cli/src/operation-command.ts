import { openAsBlob } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { Readable, type Writable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { type Operation, pathParameters } from '@atrium/protocol';
import type { CallOptions, Transport } from '@atrium/sdk';
import { Argument, type Command, Option } from 'commander';
import { withExamples } from './examples.ts';
import { usageError } from './exit-codes.ts';
import { attributeOf, dashed } from './flag-names.ts';
import { type Io, readAll } from './io.ts';
import { shortestCall } from './operation-examples.ts';
import { flagsOf, type InputFlag, optionsFor, readJson } from './operation-flags.ts';
import { present } from './presenters.ts';
import type { Session } from './session.ts';

interface OwnOptions {
  json?: boolean;
  all?: boolean;
  input?: string;
  output?: string;
  idempotencyKey?: string;
}

const isList = (operation: Operation): boolean => 'cursor' in operation.input.shape;

/** A path parameter that the contract fills in itself, such as `current`, need not be typed. */
const hasDefault = (operation: Operation, name: string): boolean =>
  operation.input.shape[name]?.safeParse(undefined).success ?? false;

/** Those with a default come from a flag, or the ones behind them could not be told apart. */
const positionals = (operation: Operation): string[] =>
  pathParameters(operation.path).filter((name) => !hasDefault(operation, name));

/** How a hand-made name of an operation differs from the generated one. */
export interface CommandShape {
  /** Member that is typed as plain words behind the others. */
  words?: string;
  /** What is taken for members that are not given, where that is not what the contract takes. */
  defaults?: Readonly<Record<string, unknown>>;
  examples?: readonly string[];
  /** Instead of calling the operation and showing its answer. */
  perform?: (command: Command, input: Record<string, unknown>, call: CallOptions) => Promise<unknown>;
}

const addArguments = (command: Command, operation: Operation): void => {
  for (const name of positionals(operation)) command.addArgument(new Argument(`<${name}>`));
  for (const name of pathParameters(operation.path).filter((one) => hasDefault(operation, one)))
    command.option(`--${dashed(name)} <id>`, `default: ${operation.input.shape[name]?.safeParse(undefined).data}`);
  if (operation.body === 'multipart') command.addArgument(new Argument('<file>', 'path of the file to send'));
  if (operation.body === 'raw')
    command.addArgument(new Argument('[file]', 'path of the body to send, - for standard input').default('-'));
};

const addOptions = (command: Command, operation: Operation, flags: readonly InputFlag[], io: Io): void => {
  for (const flag of flags) for (const option of optionsFor(flag, io.cwd)) command.addOption(option);
  if (flags.length > 0 && operation.method !== 'GET')
    command.addOption(new Option('--input <json|@file>', 'the whole input as JSON; flags win over its members'));
  if (isList(operation)) command.addOption(new Option('--all', 'every page, not only the first'));
  if (operation.answer === 'file')
    command.addOption(new Option('-o, --output <file>', 'where to write it; default: standard output'));
  if (operation.idempotency === 'header')
    command.addOption(new Option('--idempotency-key <key>', 'makes a repeat return the first result'));
  command.addOption(new Option('--json', 'the answer as JSON'));
};

const collectInput = (
  operation: Operation,
  flags: readonly InputFlag[],
  values: readonly string[],
  options: Record<string, unknown>,
  cwd: string,
): Record<string, unknown> => {
  const whole = typeof options['input'] === 'string' ? readJson('--input', options['input'], cwd) : {};
  if (typeof whole !== 'object' || whole === null || Array.isArray(whole))
    throw usageError('--input: must be a JSON object.');
  const input: Record<string, unknown> = { ...whole };
  for (const name of pathParameters(operation.path)) {
    const value = positionals(operation).includes(name)
      ? values[positionals(operation).indexOf(name)]
      : options[attributeOf(name)];
    if (value !== undefined) input[name] = value;
  }
  for (const flag of flags) {
    const value = options[attributeOf(flag.name)];
    if (value !== undefined) input[flag.name] = value;
  }
  const missing = flags.filter((flag) => flag.required && input[flag.name] === undefined);
  if (missing.length > 0) throw usageError(`Missing: ${missing.map((flag) => `--${dashed(flag.name)}`).join(', ')}`);
  return input;
};

const fileOptions = async (operation: Operation, path: string | undefined, io: Io): Promise<CallOptions> => {
  if (path === undefined || (operation.body !== 'multipart' && operation.body !== 'raw')) return {};
  if (operation.body === 'raw' && path === '-') return { body: await readAll(io.stdin) };
  const content = await openAsBlob(resolve(io.cwd, path)).catch((error: NodeJS.ErrnoException) => {
    throw usageError(`${path} cannot be read (${error.code}).`);
  });
  return operation.body === 'raw' ? { body: content } : { file: { name: basename(path), content } };
};

/** To a file that must not exist yet, or through to standard output. */
const saveBody = async (response: Response, output: string | undefined, io: Io): Promise<void> => {
  if (response.body === null) return;
  const body = Readable.fromWeb(response.body as ReadableStream);
  if (output !== undefined && output !== '-') {
    const file = await open(resolve(io.cwd, output), 'wx').catch((error: NodeJS.ErrnoException) => {
      throw usageError(
        error.code === 'EEXIST' ? `${output} exists already.` : `${output} cannot be written (${error.code}).`,
      );
    });
    try {
      await file.writeFile(body);
    } finally {
      await file.close();
    }
    return;
  }
  for await (const chunk of body) await writeChunk(io.stdout, chunk as Buffer);
};

const writeChunk = (stream: Writable, chunk: Buffer): Promise<void> =>
  new Promise((done, fail) => {
    stream.write(chunk, (error) => (error ? fail(error) : done()));
  });

const perform = async (
  session: Session,
  transport: Transport,
  operation: Operation,
  input: Record<string, unknown>,
  options: OwnOptions,
  call: CallOptions,
): Promise<void> => {
  if (operation.answer === 'file' || operation.answer === 'stream') {
    await saveBody(await transport.open(operation, input, call), options.output, session.io);
    return;
  }
  if (options.all === true) {
    const items: unknown[] = [];
    const most = { ...input, limit: input['limit'] ?? 200 };
    for await (const item of transport.list(operation as never, most as never, call)) items.push(item);
    present(session.io, operation, { items, next_cursor: null }, options.json === true);
    return;
  }
  present(session.io, operation, await transport.call(operation, input, call), options.json === true);
};

/** Makes one operation a command: `atrium <noun> <verb>`, all of it from the contract. */
export const operationCommand = (
  command: Command,
  operation: Operation,
  session: Session,
  shape: CommandShape = {},
): Command => {
  const all = flagsOf(operation);
  const flags = all.filter(({ name }) => name !== shape.words);
  command.summary(operation.summary);
  command.description(
    operation.description === undefined ? `${operation.summary}.` : `${operation.summary}.\n\n${operation.description}`,
  );
  addArguments(command, operation);
  if (shape.words !== undefined) command.addArgument(new Argument(`[${dashed(shape.words)}...]`));
  addOptions(command, operation, flags, session.io);
  const access = operation.access === 'public' ? 'Needs no credential.' : `Needs the scope ${operation.scope}.`;
  command.addHelpText('after', `\n${access} ${operation.method} ${operation.path}`);
  const words = `${command.parent === null ? '' : `${command.parent.name()} `}${command.name()}`;
  withExamples(command, ...(shape.examples ?? [shortestCall(operation, words, positionals(operation), flags)]));
  return command.action(async (...args: unknown[]) => {
    const self = args.at(-1) as Command;
    const values = self.processedArgs as unknown[];
    const options = self.opts<OwnOptions & Record<string, unknown>>();
    const named = positionals(operation);
    const given = collectInput(operation, flags, values.slice(0, named.length) as string[], options, session.io.cwd);
    const input: Record<string, unknown> = { ...shape.defaults, ...given };
    const typed = shape.words === undefined ? [] : ((values[named.length] ?? []) as string[]);
    if (shape.words !== undefined && typed.length > 0) input[shape.words] = typed.join(' ');
    const file = shape.words === undefined ? (values[named.length] as string | undefined) : undefined;
    const call: CallOptions = {
      signal: session.signal,
      ...(options.idempotencyKey === undefined ? {} : { idempotencyKey: options.idempotencyKey }),
      ...(await fileOptions(operation, file, session.io)),
    };
    if (shape.perform === undefined) await perform(session, session.transport(self), operation, input, options, call);
    else present(session.io, operation, await shape.perform(self, input, call), options.json === true);
  });
};
