/** An answer of JSON-RPC with an error is an answer: its words are the caller's to pass on. */
export class UpstreamRefusal extends Error {
  readonly code: number;
  constructor(code: number, message: string, cause: unknown) {
    super(message, { cause });
    this.name = 'UpstreamRefusal';
    this.code = code;
  }
}

/** Why an MCP server could not be asked, in words for whoever wanted to. */
export class UpstreamError extends Error {
  readonly reason: 'unavailable' | 'sign_in_needed' | 'timeout' | 'protocol' | 'cancelled';
  constructor(reason: UpstreamError['reason'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'UpstreamError';
    this.reason = reason;
  }
}
