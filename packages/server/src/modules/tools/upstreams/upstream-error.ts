/** Why an MCP server could not be asked, in words for whoever wanted to. */
export class UpstreamError extends Error {
  readonly reason: 'unavailable' | 'sign_in_needed' | 'timeout' | 'protocol' | 'cancelled';
  constructor(reason: UpstreamError['reason'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'UpstreamError';
    this.reason = reason;
  }
}
