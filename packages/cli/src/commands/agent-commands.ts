import { resolve } from 'node:path';
import {
  agentsInfo,
  agentsWhoami,
  cryptoVerify,
  directoryGet,
  directoryVerify,
  fingerprintForm,
  voucherCodeForm,
} from '@atrium/protocol';
import { type AgentClient, AtriumError, sign, Transport, verifyMessage } from '@atrium/sdk';
import {
  type Admission,
  type AgentFile,
  agentPath,
  apiInEnvironment,
  connect,
  exportSSHKey,
  findCredentials,
  heldKey,
  type McpClient,
  mcpClients,
  recoverAgent,
  registerAgent,
  repairConfig,
  requireAgentFile,
  requireCredentials,
  rotateAgentKey,
  rotateAgentSecret,
  setPassphrase,
  setUpGit,
  storeFor,
  writeMcpConfig,
} from '@atrium/sdk/node';
import { Command, Option } from 'commander';
import { chosenPassphrase, keyHomeOf, newPassphraseVariable, passphraseVariable } from '../agent-home.ts';
import { agentHomeOf, checkUrl, defaultUrl } from '../credentials.ts';
import { withExamples } from '../examples.ts';
import { CliExit, describeError, usageError } from '../exit-codes.ts';
import { type Io, readAll } from '../io.ts';
import { bridgeMcp } from '../mcp-bridge.ts';
import { printable, show } from '../output.ts';
import type { Session } from '../session.ts';

const newPassphrase = async (io: Io, wanted: boolean | undefined): Promise<{ newPassphrase?: string }> =>
  wanted === true ? { newPassphrase: await chosenPassphrase(io, passphraseVariable) } : {};

/** The server that is named, without a credential. */
const urlOf = (io: Io, command: Command): string | undefined => {
  const given = command.optsWithGlobals<{ url?: string }>().url ?? apiInEnvironment(io.environment);
  return given === undefined ? undefined : checkUrl(given);
};

/** The server to ask without being anybody: the named one, else that of the agent. */
const openTransport = (io: Io, command: Command): Transport => {
  const url = urlOf(io, command) ?? findCredentials(agentHomeOf(io))?.url ?? defaultUrl;
  return new Transport({ url: checkUrl(url) });
};

const agentOf = (io: Io, command: Command, unsigned: boolean): Promise<AgentClient> => {
  const home = keyHomeOf(io);
  const url = urlOf(io, command);
  const given = url === undefined ? {} : { url };
  const found = requireCredentials(home, given);
  return connect({ ...home, ...given, unsigned, store: storeFor(home, found) });
};

/** Of one line; `-` is standard input, so that a secret is in no list of processes. */
const secretOf = async (io: Io, text: string): Promise<string> =>
  text === '-' ? (await readAll(io.stdin)).trim() : text;

const shown = (io: Io, { identity_id, keys, oauth2, endpoints }: AgentFile) => ({
  identity_id: identity_id ?? null,
  fingerprint: keys.fingerprint ?? null,
  public_key: keys.public_key,
  client_id: oauth2?.client_id ?? null,
  server: endpoints?.api ?? null,
  kept_in: agentPath(agentHomeOf(io)),
});

interface JsonFlag {
  json?: boolean;
}

interface RegisterFlags extends JsonFlag {
  voucher?: string;
  enrolment?: string;
  name?: string;
  passphrase?: boolean;
  mcp: boolean;
}

const admissionOf = async (io: Io, { voucher, enrolment, name }: RegisterFlags): Promise<Admission> => {
  if ((voucher === undefined) === (enrolment === undefined))
    throw usageError('Give --voucher CODE, or --enrolment TOKEN of an agent that an administrator made.');
  if (enrolment !== undefined) return { kind: 'enrolment', token: await secretOf(io, enrolment) };
  const code = await secretOf(io, voucher!);
  if (!voucherCodeForm.test(code)) throw usageError('--voucher: must be 64 hex digits in lower case.');
  return { kind: 'voucher', code, ...(name === undefined ? {} : { name }) };
};

/** The server knows the key although no answer of it is kept: the key itself is the way on. */
const withWayOn = (error: unknown): never => {
  if (error instanceof AtriumError && error.code === 'key_already_registered')
    throw new CliExit(
      'refused',
      `${error.message}\nThe key that is kept here is registered: run "atrium agent recover".`,
    );
  throw error;
};

const registerHere = async (session: Session, flags: RegisterFlags, command: Command): Promise<void> => {
  const { io, signal } = session;
  const url = urlOf(io, command) ?? defaultUrl;
  const admission = await admissionOf(io, flags);
  const passphrase = await newPassphrase(io, flags.passphrase);
  const file = await registerAgent(keyHomeOf(io), { url, admission, signal, ...passphrase }).catch(withWayOn);
  show(io, shown(io, file), flags.json === true);
  if (!flags.mcp) return;
  const path = await writeMcpConfig({ folder: io.cwd, url, environment: io.environment }).catch((error: unknown) => {
    throw new CliExit('refused', `The agent is registered. ${describeError(error).text}`);
  });
  io.stderr.write(`${printable(path)} names the server. It wants the environment of: eval "$(atrium agent env)"\n`);
};

const recoverHere = async (
  session: Session,
  flags: JsonFlag & { privateKey?: string; passphrase?: boolean },
  command: Command,
): Promise<void> => {
  const { io, signal } = session;
  const url = urlOf(io, command);
  const file = await recoverAgent(keyHomeOf(io), {
    ...(url === undefined ? {} : { url }),
    ...(flags.privateKey === undefined ? {} : { privateKey: await secretOf(io, flags.privateKey) }),
    ...(await newPassphrase(io, flags.passphrase)),
    signal,
  });
  show(io, shown(io, file), flags.json === true);
};

interface SignFlags extends JsonFlag {
  nonce?: string;
  requestId?: string;
}

/** Offline with a nonce, else in one go with the server. */
const signHere = async (session: Session, given: string | undefined, flags: SignFlags, command: Command) => {
  const { io } = session;
  if ((given === undefined) === (flags.requestId === undefined))
    throw usageError('Give a message, or --request-id of a signing request.');
  if (flags.nonce !== undefined) {
    if (given === undefined) throw usageError('--nonce goes with a message.');
    const home = keyHomeOf(io);
    const key = await heldKey(home, requireAgentFile(home).file);
    const signature = await sign(key, await messageOf(io, given), flags.nonce);
    if (flags.json === true) show(io, { signature, fingerprint: key.fingerprint }, true);
    else io.stdout.write(`${signature}\n`);
    return;
  }
  const agent = await agentOf(io, command, false);
  const done =
    given === undefined
      ? await agent.signRequest(flags.requestId!)
      : await agent.signMessage(await messageOf(io, given));
  const { id, status, valid, signature, message } = done;
  show(io, flags.json === true ? done : { id, status, valid, message, signature }, flags.json === true);
  if (valid !== true) throw new CliExit('refused', 'The server did not find the signature valid.');
};

/** To the byte: a line end at the end of a piped message is part of it. */
const messageOf = async (io: Io, text: string): Promise<string> => (text === '-' ? readAll(io.stdin) : text);

interface VerifyFlags extends JsonFlag {
  fingerprint?: string;
  publicKey?: string;
  message?: string;
  nonce?: string;
}

const verifyHere = async (session: Session, signature: string, flags: VerifyFlags, command: Command) => {
  const { io, signal } = session;
  const { fingerprint, publicKey, message, nonce } = flags;
  const offline = [publicKey, message, nonce];
  if (offline.some((one) => one !== undefined) && offline.includes(undefined))
    throw usageError('--public-key, --message and --nonce go together.');
  const answer =
    publicKey !== undefined
      ? { valid: await verifyMessage(publicKey, await messageOf(io, message!), nonce!, signature), signer: null }
      : fingerprint !== undefined
        ? await openTransport(io, command).call(directoryVerify, { fingerprint, signature }, { signal })
        : await openTransport(io, command).call(cryptoVerify, { signature }, { signal });
  if (flags.json === true) show(io, answer, true);
  else
    io.stdout.write(answer.valid ? `valid ${answer.signer?.fingerprint ?? ''}`.trimEnd().concat('\n') : 'not valid\n');
  if (!answer.valid) throw new CliExit('no');
};

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

const printEnvironment = (session: Session, flags: JsonFlag, command: Command): void => {
  const { io } = session;
  const url = urlOf(io, command);
  const found = requireCredentials(agentHomeOf(io), url === undefined ? {} : { url });
  const variables = {
    ATRIUM_API_URL: found.url,
    ATRIUM_CLIENT_ID: found.client_id,
    ATRIUM_CLIENT_SECRET: found.client_secret,
  };
  if (flags.json === true) show(io, variables, true);
  else for (const [name, value] of Object.entries(variables)) io.stdout.write(`export ${name}=${quoted(value)}\n`);
};

const repairHere = async (session: Session, flags: JsonFlag & { dryRun?: boolean }): Promise<void> => {
  const { io } = session;
  const report = await repairConfig(keyHomeOf(io), { dryRun: flags.dryRun === true });
  if (flags.json === true) show(io, report, true);
  else if (report.repairs.length === 0) io.stdout.write('Nothing to repair.\n');
  else
    for (const { kind, what } of report.repairs)
      io.stdout.write(`${kind === 'look' ? 'look ' : report.dry_run ? 'would' : 'fixed'}  ${printable(what)}\n`);
  if (report.repairs.some(({ kind }) => kind === 'look')) throw new CliExit('no');
};

const jsonOption = (): Option => new Option('--json', 'the answer as JSON');
const passphraseOption = (): Option =>
  new Option('--passphrase', `keep the private key under a passphrase: asked for, or ${passphraseVariable}`);

interface Described {
  name: string;
  summary: string;
  description: string;
  examples: readonly string[];
}

/** Commands of the agent whose key is kept on this machine. */
export const addAgentCommands = (program: Command, session: Session): void => {
  const { io, signal } = session;
  const group = new Command('agent').summary('the agent whose key is kept on this machine').description(
    `The agent whose key is kept on this machine, in ~/.config/atrium/agent.json (0600). The key never leaves it.
Client and secret: ATRIUM_CLIENT_ID and ATRIUM_CLIENT_SECRET win over the file; ATRIUM_API_URL or --url name the server. A key that is kept under a passphrase asks for it, or takes ${passphraseVariable}.`,
  );
  const add = ({ name, summary, description, examples }: Described): Command =>
    withExamples(group.command(name).summary(summary).description(description).addOption(jsonOption()), ...examples);

  add({
    name: 'register',
    summary: 'make a key and register it with a voucher',
    description: `Makes an Ed25519 key, registers it, keeps what comes back and writes .mcp.json into this folder. Killed at any moment it can be run again with the same code.`,
    examples: [
      'atrium agent register --voucher CODE --name builder',
      'atrium agent register --enrolment - --passphrase < token.txt',
    ],
  })
    .addOption(new Option('--voucher <code>', 'the voucher of a member; - reads standard input'))
    .addOption(
      new Option('--enrolment <token>', 'instead: the token of an agent that was made for you; - reads standard input'),
    )
    .addOption(new Option('--name <name>', 'what it is called; default: agent- and the fingerprint'))
    .addOption(passphraseOption())
    .addOption(new Option('--no-mcp', 'write no .mcp.json'))
    .action((flags: RegisterFlags, command: Command) => registerHere(session, flags, command));
  add({
    name: 'recover',
    summary: 'get a new secret by the key alone',
    description:
      'Proves the key and keeps a new client secret. The old one, its tokens and the API keys of the agent end.',
    examples: ['atrium agent recover', 'atrium agent recover --private-key - --url https://atrium.example < key.txt'],
  })
    .addOption(
      new Option('--private-key <key>', 'the key, where nothing is kept: base64 of 32 bytes; - reads standard input'),
    )
    .addOption(passphraseOption())
    .action((flags: JsonFlag, command: Command) => recoverHere(session, flags, command));
  add({
    name: 'info',
    summary: 'tell how identities work on the server',
    description: 'Forms of keys and signatures, and the steps to register, recover and sign without this program.',
    examples: ['atrium agent info --url https://atrium.example'],
  }).action(async (flags: JsonFlag, command: Command) =>
    show(io, await openTransport(io, command).call(agentsInfo, {}, { signal }), flags.json === true),
  );
  add({
    name: 'whoami',
    summary: 'show who the agent is to the server',
    description: 'Its identity, key, fingerprint and organisation, as the server knows them.',
    examples: ['atrium agent whoami --json'],
  }).action(async (flags: JsonFlag, command: Command) => {
    const { transport } = await agentOf(io, command, true);
    show(io, await transport.call(agentsWhoami, {}, { signal }), flags.json === true);
  });
  add({
    name: 'lookup',
    summary: 'look a key up by its fingerprint',
    description:
      'The whole public key, the one that replaced it, and the profile of an agent that lets itself be listed.',
    examples: ['atrium agent lookup 21FE-31DF-A154-A261'],
  })
    .argument('<fingerprint>')
    .action(async (fingerprint: string, flags: JsonFlag, command: Command) => {
      if (!fingerprintForm.test(fingerprint))
        throw usageError(`"${fingerprint}" is no fingerprint. An example: 21FE-31DF-A154-A261`);
      show(io, await openTransport(io, command).call(directoryGet, { fingerprint }, { signal }), flags.json === true);
    });
  add({
    name: 'sign',
    summary: 'sign a message',
    description: `With a message alone it is prepared on the server, signed here and handed in. --request-id signs a request that waits. With --nonce nothing is sent: the signature is printed.`,
    examples: [
      'atrium agent sign "release 1.4.1"',
      'atrium agent sign --request-id 0190a000-0000-7000-8000-000000000000',
      'atrium agent sign - --nonce f47ac10b-58cc-4372-a567-0e02b2c3d479 < message.txt',
    ],
  })
    .argument('[message]', 'the message; - reads standard input')
    .addOption(new Option('--request-id <id>', 'a signing request of yours, instead of a message'))
    .addOption(new Option('--nonce <nonce>', 'sign the message with this nonce, without the server'))
    .action((message: string | undefined, flags: SignFlags, command: Command) =>
      signHere(session, message, flags, command),
    );
  add({
    name: 'verify',
    summary: 'check a signature; exit status 1 when it is not valid',
    description: `Asks the server whose signature it is. With --public-key, --message and --nonce it is checked here, without the server.`,
    examples: [
      'atrium agent verify SIGNATURE --fingerprint 21FE-31DF-A154-A261',
      'atrium agent verify SIGNATURE --public-key ed25519:KEY --nonce NONCE --message "release 1.4.1"',
    ],
  })
    .argument('<signature>', 'base64 of 64 bytes')
    .addOption(new Option('--fingerprint <fingerprint>', 'valid only when it is by this key'))
    .addOption(new Option('--public-key <key>', 'ed25519: and base64'))
    .addOption(new Option('--message <text>', 'what was signed; - reads standard input'))
    .addOption(new Option('--nonce <nonce>', 'the nonce of its signing request'))
    .action((signature: string, flags: VerifyFlags, command: Command) =>
      verifyHere(session, signature, flags, command),
    );
  add({
    name: 'rotate-secret',
    summary: 'replace the client secret and keep the new one',
    description: 'The old secret dies at once. Where the environment names the client, it must be told the new one.',
    examples: ['atrium agent rotate-secret'],
  }).action(async (flags: JsonFlag) =>
    show(io, shown(io, await rotateAgentSecret(keyHomeOf(io), { signal })), flags.json === true),
  );
  add({
    name: 'rotate-key',
    summary: 'replace the key by a new one that the old one vouches for',
    description: 'Both keys are kept until the server has answered. Export the SSH key again afterwards.',
    examples: ['atrium agent rotate-key'],
  }).action(async (flags: JsonFlag) =>
    show(io, shown(io, await rotateAgentKey(keyHomeOf(io), { signal })), flags.json === true),
  );
  add({
    name: 'ssh-key',
    summary: 'write the key in the form of OpenSSH',
    description: 'An unencrypted private key (0600) and its public line, for git and ssh-agent.',
    examples: ['atrium agent ssh-key --folder ~/.ssh/agent'],
  })
    .addOption(new Option('--folder <folder>', 'where to; default: ssh beside the file of the agent'))
    .addOption(new Option('--force', 'replace another key that lies there'))
    .action(async (flags: JsonFlag & { folder?: string; force?: boolean }) =>
      show(io, await exportSSHKey(keyHomeOf(io), exportOptions(io, flags)), flags.json === true),
    );
  add({
    name: 'git-setup',
    summary: 'let git commit and sign as the agent',
    description: `Writes the SSH key, a gitconfig and allowed_signers of their own; your own configuration of git stays as it is. Use it by GIT_CONFIG_GLOBAL=<config_path>.`,
    examples: ['atrium agent git-setup'],
  })
    .addOption(new Option('--folder <folder>', 'where the SSH key goes; default: ssh beside the file of the agent'))
    .addOption(new Option('--force', 'replace another key that lies there'))
    .action((flags: JsonFlag & { folder?: string; force?: boolean }) => setUpGitHere(io, flags));
  add({
    name: 'passphrase',
    summary: 'keep the private key under another passphrase, or under none',
    description: `Asks for the passphrase of now, or takes ${passphraseVariable}, and for the new one, or takes ${newPassphraseVariable}. What "agent ssh-key" wrote stays as it is, unencrypted.`,
    examples: ['atrium agent passphrase', 'atrium agent passphrase --remove'],
  })
    .addOption(new Option('--remove', 'keep it as it is, in a file for you alone'))
    .action((flags: JsonFlag & { remove?: boolean }) => changePassphrase(io, flags));
  add({
    name: 'mcp-config',
    summary: 'put the server into the file that a client of MCP reads',
    description: `Other servers in it are kept, and a file that is not well-formed is left as it is. The secret is not written: it comes from the environment, and with Claude Desktop, which has none, from "atrium agent mcp".
.mcp.json (Claude Code), .cursor/mcp.json, .vscode/mcp.json and .codex/config.toml are of the folder; with --user those of Cursor and Codex are the user's, as that of Claude Desktop always is. All become 0600.`,
    examples: ['atrium agent mcp-config', 'atrium agent mcp-config --client codex --user'],
  })
    .addOption(new Option('--client <client>', 'whose file').choices([...mcpClients]).default('claude-code'))
    .addOption(new Option('--folder <folder>', 'default: this one'))
    .addOption(new Option('--user', 'the file of the user instead of that of the folder'))
    .addOption(new Option('--name <name>', 'what the server is called there').default('atrium'))
    .addOption(new Option('--force', 'replace an entry of that name that was set up otherwise'))
    .action((flags: McpFlags, command: Command) => configureMcp(io, flags, command));
  const bridge = group
    .command('mcp')
    .summary('speak MCP on standard input and output, as the agent')
    .description(
      'For clients that start a program instead of calling an address, such as Claude Desktop: passes everything on to the server, with the secret that is kept here.',
    )
    .action((_flags: unknown, command: Command) => {
      const url = urlOf(io, command);
      return bridgeMcp(io, requireCredentials(agentHomeOf(io), url === undefined ? {} : { url }), signal);
    });
  withExamples(bridge, 'claude mcp add atrium -- atrium agent mcp');
  add({
    name: 'env',
    summary: 'print client and secret for the environment',
    description: 'Prints the secret, as lines of a shell: eval "$(atrium agent env)"',
    examples: ['eval "$(atrium agent env)"'],
  }).action((flags: JsonFlag, command: Command) => printEnvironment(session, flags, command));
  add({
    name: 'config-repair',
    summary: 'mend the file of the agent, and take over that of another program',
    description: 'Exit status 1 when something is left that only a person can decide.',
    examples: ['atrium agent config-repair --dry-run'],
  })
    .addOption(new Option('--dry-run', 'only say what would be done'))
    .action((flags: JsonFlag & { dryRun?: boolean }) => repairHere(session, flags));
  program.addCommand(group);
};

interface McpFlags extends JsonFlag {
  client: McpClient;
  folder?: string;
  user?: boolean;
  name: string;
  force?: boolean;
}

/** For a client that starts programs: this one, which finds the secret by itself. */
const bridgeCommand = (): string[] => [process.execPath, resolve(import.meta.dirname, '../main.ts'), 'agent', 'mcp'];

const configureMcp = async (io: Io, flags: McpFlags, command: Command): Promise<void> => {
  const url = urlOf(io, command) ?? requireCredentials(agentHomeOf(io)).url;
  const { client, name, user = false, force = false } = flags;
  const folder = resolve(io.cwd, flags.folder ?? '.');
  const { environment } = io;
  const path = await writeMcpConfig({ url, client, name, user, force, folder, environment, command: bridgeCommand() });
  show(io, { path }, flags.json === true);
  if (client !== 'claude-desktop' && flags.json !== true)
    io.stderr.write('It wants the environment of: eval "$(atrium agent env)"\n');
};

const changePassphrase = async (io: Io, flags: JsonFlag & { remove?: boolean }): Promise<void> => {
  const home = keyHomeOf(io);
  const file = await setPassphrase(
    home,
    flags.remove === true ? null : await chosenPassphrase(io, newPassphraseVariable),
  );
  show(io, shown(io, file), flags.json === true);
  if (flags.remove !== true && file.ssh !== undefined)
    io.stderr.write(`Note: ${printable(file.ssh.private_key_path)} holds the same key as it is.\n`);
};

const setUpGitHere = async (io: Io, flags: JsonFlag & { folder?: string; force?: boolean }): Promise<void> => {
  const files = await setUpGit(keyHomeOf(io), exportOptions(io, flags));
  show(io, { ...files }, flags.json === true);
  if (flags.json !== true)
    io.stderr.write(`Use it by: export GIT_CONFIG_GLOBAL=${quoted(printable(files.config_path))}\n`);
};

const exportOptions = (io: Io, { folder, force }: { folder?: string; force?: boolean }) => ({
  ...(folder === undefined ? {} : { folder: resolve(io.cwd, folder) }),
  ...(force === undefined ? {} : { force }),
});
