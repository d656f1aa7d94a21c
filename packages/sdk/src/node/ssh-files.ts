import { dirname, join } from 'node:path';
import { publicKeyOf, sshPrivatePem, sshPublicLine } from '@atrium/protocol';
import { AgentError } from '../agent/agent-error.ts';
import {
  type AgentFile,
  type AgentHome,
  agentPath,
  apiOf,
  heldKey,
  requireAgentFile,
  writeAgentFile,
} from './agent-file.ts';
import { readText, replaceFile } from './config-folder.ts';

export interface SshFiles {
  private_key_path: string;
  public_key_path: string;
}

export interface ExportOptions {
  /** Default: `ssh` beside the agent's file. */
  folder?: string;
  /** Replaces a key of another agent that lies there. */
  force?: boolean;
}

const commentOf = ({ keys }: AgentFile): string => `atrium-agent-${shortName(keys.fingerprint)}`;

/** Of the fingerprint: the first digits of an id are its time, which agents that were made together share. */
const shortName = (fingerprint: string | undefined): string =>
  (fingerprint ?? '').replaceAll('-', '').slice(0, 8).toLowerCase();

/** The private key file is not encrypted, as git and ssh-agent want it, whatever the agent's own file does. */
export const exportSSHKey = async (home: AgentHome, options: ExportOptions = {}): Promise<SshFiles> => {
  const { file, foreign } = requireAgentFile(home);
  const key = await heldKey(home, file);
  const folder = options.folder ?? join(dirname(agentPath(home)), 'ssh');
  const private_key_path = join(folder, 'id_ed25519');
  const public_key_path = `${private_key_path}.pub`;
  const [pem, there] = [await sshPrivatePem(key.private_key, commentOf(file)), await readText(private_key_path)];
  if (there !== null && there !== pem && options.force !== true)
    throw new AgentError('already_there', `${private_key_path} holds another key. --force replaces it.`);
  await replaceFile(private_key_path, pem);
  await replaceFile(public_key_path, `${sshPublicLine(publicKeyOf(key.public_key), commentOf(file))}\n`, 0o644);
  const paths = { private_key_path, public_key_path };
  if (!foreign) await writeAgentFile(home, { ...file, ssh: { ...file.ssh, ...paths } });
  return paths;
};

export interface GitFiles {
  name: string;
  email: string;
  /** For GIT_CONFIG_GLOBAL, or an include. */
  config_path: string;
  allowed_signers_path: string;
}

/** A value of a git configuration file. */
const quoted = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&')}"`;

/** Lets git commit as the agent and sign with its key, in a configuration file of its own. */
export const setUpGit = async (home: AgentHome, options: ExportOptions = {}): Promise<GitFiles> => {
  const ssh = await exportSSHKey(home, options);
  const { file, foreign } = requireAgentFile(home);
  const api = apiOf(file);
  if (file.identity_id === undefined || api === null)
    throw new AgentError('no_credentials', 'The agent is not registered yet, so it has no name to commit under.');
  const folder = dirname(agentPath(home));
  const [config_path, allowed_signers_path] = [join(folder, 'gitconfig'), join(folder, 'allowed_signers')];
  const name = commentOf(file);
  const email = `${file.identity_id}@agents.${new URL(api).hostname}`;
  const publicLine = (await readText(ssh.public_key_path))!.trim().split(' ').slice(0, 2).join(' ');
  const config = [
    '[user]',
    `\tname = ${quoted(name)}`,
    `\temail = ${quoted(email)}`,
    `\tsigningkey = ${quoted(ssh.private_key_path)}`,
    '[gpg]',
    '\tformat = ssh',
    '[gpg "ssh"]',
    `\tallowedSignersFile = ${quoted(allowed_signers_path)}`,
    '[commit]',
    '\tgpgsign = true',
    '[tag]',
    '\tgpgsign = true',
    '',
  ];
  await replaceFile(config_path, config.join('\n'), 0o644);
  const line = `${email} namespaces="git" ${publicLine}`;
  // Commits by a key that was replaced since are still the agent's.
  const earlier = ((await readText(allowed_signers_path)) ?? '')
    .split('\n')
    .filter((one) => one !== '' && one !== line);
  await replaceFile(allowed_signers_path, `${[...earlier, line].join('\n')}\n`, 0o644);
  if (!foreign) await writeAgentFile(home, { ...file, git: { ...file.git, name, email, config_path } });
  return { name, email, config_path, allowed_signers_path };
};
