export type AgentErrorCode =
  /** Nothing names a client and its secret, or only one of the two. */
  | 'no_credentials'
  /** No key is kept here. */
  | 'no_key'
  /** The file cannot be read as what it should be. It is left as it is. */
  | 'file_damaged'
  /** Something is there already that must not be lost. */
  | 'already_there'
  /** The private key is kept under a passphrase, and none was given. */
  | 'passphrase_required'
  | 'passphrase_wrong'
  /** There is no such file or way. */
  | 'not_offered'
  /** An archive is not whole, or parts of it are missing. */
  | 'archive_damaged'
  /** What the server sent must not be signed. */
  | 'unexpected_challenge';

/** Why an agent cannot act with what is kept for it. No message holds a key or a secret. */
export class AgentError extends Error {
  readonly code: AgentErrorCode;

  constructor(code: AgentErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'AgentError';
    this.code = code;
  }
}
