import type { ErrorCode } from '@atrium/protocol';
import type { OwnAnswer } from './own-answers.ts';

/** How a proxied request ended, in one word; the label of figures and of the log. */
export type Outcome =
  | 'ok'
  | 'refused'
  | 'bad_gateway'
  | 'client_closed'
  | 'timeout'
  | 'client_timeout'
  | 'connection_refused'
  | 'connection_reset'
  | 'host_unreachable'
  | 'network_unreachable'
  | 'broken_pipe'
  | 'connection_aborted'
  | 'dns_error'
  | 'network_error'
  | 'target_refused'
  | 'unhealthy'
  | 'revoked'
  | 'drained'
  | 'too_large'
  | 'circuit_open'
  | 'not_cached'
  | 'unknown';

const byCode: Readonly<Record<string, Outcome>> = {
  ECONNREFUSED: 'connection_refused',
  ECONNRESET: 'connection_reset',
  UND_ERR_SOCKET: 'connection_reset',
  EPIPE: 'broken_pipe',
  ECONNABORTED: 'connection_aborted',
  EHOSTUNREACH: 'host_unreachable',
  EHOSTDOWN: 'host_unreachable',
  ENETUNREACH: 'network_unreachable',
  ENETDOWN: 'network_unreachable',
  ENOTFOUND: 'dns_error',
  EAI_AGAIN: 'dns_error',
  EAI_NODATA: 'dns_error',
  EAI_FAIL: 'dns_error',
  ETIMEDOUT: 'timeout',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  UND_ERR_HEADERS_OVERFLOW: 'bad_gateway',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'bad_gateway',
  HPE_HEADER_OVERFLOW: 'bad_gateway',
  ATRIUM_BAD_ANSWER: 'bad_gateway',
  ATRIUM_BAD_CHUNKS: 'bad_gateway',
  ATRIUM_OTHER_PROTOCOL: 'bad_gateway',
  ATRIUM_TARGET_REFUSED: 'target_refused',
};

const codeOf = (error: unknown): string => {
  const { code, errors } = error as { code?: unknown; errors?: unknown };
  // Several addresses were tried and each failed in its own way.
  if (Array.isArray(errors) && errors.length > 0) return codeOf(errors[0]);
  return typeof code === 'string' ? code : '';
};

/** The label of an error that a connection to an app ended with. */
export const outcomeOf = (error: unknown): Outcome => {
  const code = codeOf(error);
  const known = byCode[code];
  if (known !== undefined) return known;
  if (code.startsWith('HPE_') || (error as Error | null)?.name === 'HTTPParserError') return 'bad_gateway';
  if (code.startsWith('ERR_TLS_') || code.startsWith('ERR_SSL_') || /CERT|SELF_SIGNED|SIGNATURE/.test(code))
    return 'network_error';
  return code === '' ? 'unknown' : 'network_error';
};

/** None of the protocols that were offered in a TLS handshake was taken. */
export const refusesProtocol = (error: Error): boolean =>
  codeOf(error) === 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL' ||
  (codeOf(error) === 'EPROTO' && error.message.includes('no application protocol'));

interface UpstreamFailure {
  status: number;
  code: ErrorCode;
  detail: string;
}

/** What a client hears of it; nothing of addresses, which are the operator's. */
const failureOf = (outcome: Outcome): UpstreamFailure => {
  switch (outcome) {
    case 'timeout':
      return { status: 504, code: 'gateway_upstream_timeout', detail: 'The app did not answer in time.' };
    case 'host_unreachable':
    case 'network_unreachable':
      return { status: 503, code: 'gateway_upstream_unhealthy', detail: 'The app cannot be reached.' };
    case 'unhealthy':
      return { status: 503, code: 'gateway_upstream_unhealthy', detail: 'The app is down; try again soon.' };
    case 'circuit_open':
      return { status: 503, code: 'gateway_upstream_unhealthy', detail: 'The app fails too often; try again soon.' };
    case 'not_cached':
      return { status: 504, code: 'gateway_upstream_timeout', detail: 'No answer is kept that could be given.' };
    case 'too_large':
      return { status: 413, code: 'too_large', detail: 'The body exceeds the limit of this route.' };
    case 'client_timeout':
      return { status: 408, code: 'bad_request', detail: 'The body did not arrive in time.' };
    case 'revoked':
      return { status: 401, code: 'unauthorized', detail: 'The right to this app has ended.' };
    case 'drained':
      return { status: 503, code: 'not_ready', detail: 'The route was closed; send the request again.' };
    default:
      return { status: 502, code: 'gateway_bad_gateway', detail: 'The app does not answer as it should.' };
  }
};

/** The whole answer for a failure. */
export const failureAnswer = (outcome: Outcome): OwnAnswer => ({
  ...failureOf(outcome),
  extensions: { outcome },
  ...(outcome === 'unhealthy' ? { headers: [['retry-after', '10']] } : {}),
});

/** Something of ours threw. */
export const brokenAnswer: OwnAnswer = {
  ...{ status: 500, code: 'internal' },
  detail: 'Something went wrong. Tell the operator the request id.',
};
