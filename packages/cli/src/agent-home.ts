import type { AgentHome } from '@atrium/sdk/node';
import { agentHomeOf } from './credentials.ts';
import { usageError } from './exit-codes.ts';
import type { Io } from './io.ts';
import { prompt } from './prompt.ts';

export const passphraseVariable = 'ATRIUM_AGENT_PASSPHRASE';
export const newPassphraseVariable = 'ATRIUM_AGENT_NEW_PASSPHRASE';

/** Asks for the passphrase of a key that is kept under one, where there is somebody to ask. */
export const keyHomeOf = (io: Io): AgentHome => ({
  ...agentHomeOf(io),
  passphrase: async () =>
    io.environment[passphraseVariable] ||
    (io.stdin.isTTY === true ? prompt(io, 'Passphrase of the private key', { secret: true }) : ''),
});

/** A passphrase that is to be: from the environment, else typed twice. */
export const chosenPassphrase = async (io: Io, variable: string): Promise<string> => {
  const given = io.environment[variable];
  if (given) return given;
  const typed = await prompt(io, 'New passphrase', { secret: true });
  if (typed === '') throw usageError('The passphrase is empty.');
  if (typed !== (await prompt(io, 'Once more', { secret: true }))) throw usageError('The two are not the same.');
  return typed;
};
