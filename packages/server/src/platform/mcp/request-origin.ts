import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { localhostAllowedHostnames, validateHostHeader } from '@modelcontextprotocol/server';

const hostnameOf = (url: string): string | null => {
  try {
    return new URL(url).hostname.toLowerCase();
  } catch {
    return null;
  }
};

const isAddress = (hostname: string): boolean => isIP(hostname.replace(/^\[|\]$/g, '')) !== 0;

/**
 * Protection against DNS rebinding (MCP transports, security warning): a name that an attacker pointed at this machine
 * is neither the public one, nor loopback, nor configured. An address as host cannot have been pointed anywhere.
 * Gives the reason for a refusal, or null.
 */
export const originProblem = (
  headers: IncomingHttpHeaders,
  publicUrl: string,
  more: readonly string[],
): string | null => {
  const allowed = [
    ...localhostAllowedHostnames(),
    hostnameOf(publicUrl) ?? 'localhost',
    ...more.map((name) => name.toLowerCase()),
  ];
  const host = validateHostHeader(headers.host?.toLowerCase(), allowed);
  const hostname = host.ok ? host.hostname : host.hostname;
  if (!host.ok && (hostname === undefined || !isAddress(hostname))) {
    return `The Host ${headers.host ?? '(none)'} is not a name of this server: set its public URL or the allowed hosts.`;
  }
  if (headers.origin === undefined) return null;
  const origin = hostnameOf(headers.origin);
  if (origin !== null && /^https?:/.test(headers.origin) && (allowed.includes(origin) || origin === hostname))
    return null;
  return `The Origin ${headers.origin} may not use this server.`;
};

/** CORS for the pages that may use the server. No cookies: a bearer token is what counts here. */
export const corsHeaders = (origin: string | undefined): Record<string, string> =>
  origin === undefined
    ? {}
    : {
        'access-control-allow-origin': origin,
        'access-control-expose-headers':
          'Mcp-Session-Id, Mcp-Protocol-Version, WWW-Authenticate, X-Request-Id, Retry-After',
        vary: 'Origin',
      };

export const preflightHeaders: Record<string, string> = {
  'access-control-allow-methods': 'POST, GET, DELETE',
  'access-control-allow-headers':
    'Authorization, Content-Type, Accept, Last-Event-ID, Mcp-Session-Id, Mcp-Protocol-Version, Mcp-Method, Mcp-Name, Traceparent',
  'access-control-max-age': '600',
};
