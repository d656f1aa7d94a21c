/**
 * Why the server cannot start, in a sentence for the operator that says what to do. It never reaches a caller, so it has
 * no code in the catalogue; main prints the message without a stack and exits.
 */
export class StartupError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'StartupError';
  }
}
