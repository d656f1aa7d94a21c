import { AgentError, AtriumError, OAuthError } from '@atrium/sdk';
import { flagOf } from './flag-names.ts';

/** What the exit status says; the same for every command. */
export const exitCodes = {
  success: { code: 0, meaning: 'done or answered; with --yesno: yes' },
  no: { code: 1, meaning: 'no (ask --yesno); a check failed (doctor, backup, restore)' },
  usage: { code: 2, meaning: 'wrong usage, or the server found a value wrong' },
  not_answered: { code: 3, meaning: 'nobody answered in time, or the question expired' },
  declined: { code: 4, meaning: 'dismissed, withdrawn or rejected' },
  not_signed_in: { code: 5, meaning: 'not signed in, or the credential is no longer good' },
  not_found: { code: 6, meaning: 'not found, or not allowed' },
  unreachable: { code: 7, meaning: 'the server cannot be reached or is not ready' },
  refused: { code: 8, meaning: 'the server refused for another reason; the text says which' },
  interrupted: { code: 130, meaning: 'stopped with Ctrl-C' },
} as const;

export type Exit = keyof typeof exitCodes;

/** Ends the command with a status, and a text on stderr unless it is empty. */
export class CliExit extends Error {
  readonly exit: Exit;

  constructor(exit: Exit, message = '') {
    super(message);
    this.name = 'CliExit';
    this.exit = exit;
  }
}

/** Ends the command with the status of a program that it ran, which has said why. */
export class CliStatus extends Error {
  readonly code: number;

  constructor(code: number) {
    super('');
    this.code = code;
  }
}

/** A mistake of whoever typed the command. */
export const usageError = (message: string): CliExit => new CliExit('usage', message);

const exitOf = (error: AtriumError): Exit => {
  if (error.code === 'unreachable' || error.code === 'not_ready') return 'unreachable';
  switch (error.status) {
    case 400:
    case 413:
    case 415:
    case 422:
      return 'usage';
    case 401:
      return 'not_signed_in';
    case 403:
    case 404:
      return 'not_found';
    default:
      return 'refused';
  }
};

const exitOfSignIn = ({ code, error }: OAuthError): Exit => {
  if (error === 'access_denied') return 'declined';
  switch (code) {
    case 'sign_in_required':
      return 'not_signed_in';
    case 'timeout':
      return 'not_answered';
    case 'unreachable':
      return 'unreachable';
    default:
      return 'refused';
  }
};

const exitOfAgent = ({ code }: AgentError): Exit => {
  switch (code) {
    case 'no_credentials':
    case 'no_key':
    case 'passphrase_required':
    case 'passphrase_wrong':
      return 'not_signed_in';
    case 'not_offered':
      return 'usage';
    case 'file_damaged':
    case 'archive_damaged':
    case 'already_there':
    case 'unexpected_challenge':
      return 'refused';
    default:
      return code satisfies never;
  }
};

/** Status and text for whatever a command threw. */
export const describeError = (error: unknown): { exit: Exit; text: string } => {
  if (error instanceof CliExit) return { exit: error.exit, text: error.message };
  if (error instanceof AtriumError) {
    const fields = error.errors.map(({ path, message }) => `\n  ${path === '' ? 'input' : flagOf(path)}: ${message}`);
    const hint = error.status === 401 ? '\nRun "atrium login", or set ATRIUM_TOKEN.' : '';
    const request = error.status !== null && error.status >= 500 ? ` (request ${error.requestId ?? 'unknown'})` : '';
    return { exit: exitOf(error), text: `${error.message}${request}${fields.join('')}${hint}` };
  }
  if (error instanceof OAuthError) {
    const hint = error.code === 'sign_in_required' ? '\nRun "atrium login", or set ATRIUM_TOKEN.' : '';
    return { exit: exitOfSignIn(error), text: `${error.message}${hint}` };
  }
  if (error instanceof AgentError) return { exit: exitOfAgent(error), text: error.message };
  if (error instanceof Error && error.name === 'AbortError') return { exit: 'interrupted', text: '' };
  const text = error instanceof Error ? error.message : String(error);
  return { exit: 'refused', text };
};
