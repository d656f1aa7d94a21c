import type { Operation } from '@atrium/protocol';
import { hasScope } from '@atrium/protocol';
import { AppError } from '../errors/app-error.ts';
import type { Caller } from '../operations/caller.ts';
import { type RawExchange, refuse, refused } from './rpc-answers.ts';
import type { ToolCatalogue } from './tool-catalogue.ts';

const quoted = (text: string): string => `"${text.replaceAll(/[^\x20-\x7e]/g, ' ').replaceAll(/(["\\])/g, '\\$1')}"`;

/** `WWW-Authenticate` of RFC 6750 with the metadata address of RFC 9728. Without a credential it carries no error. */
const challenge = (publicUrl: string, more: Record<string, string> = {}): Record<string, string> => {
  const metadata = `${publicUrl.replace(/\/$/, '')}/.well-known/oauth-protected-resource/mcp`;
  const parameters = Object.entries({ ...more, resource_metadata: metadata }).map(
    ([name, value]) => `${name}=${quoted(value)}`,
  );
  return { 'www-authenticate': `Bearer ${parameters.join(', ')}` };
};

export const refuseAnonymous = (raw: RawExchange, publicUrl: string): void =>
  refuse(raw, 401, refused, 'Send a credential as `Authorization: Bearer TOKEN`.', {
    headers: challenge(publicUrl),
    data: { code: 'unauthorized' },
  });

/** Answers what `authenticate` threw; anything but an AppError is the caller's to log. */
export const refuseCredential = (raw: RawExchange, error: AppError, publicUrl: string): void => {
  const data = { ...error.extensions, code: error.code };
  const required = error.extensions['required'];
  const scope = typeof required === 'string' ? { scope: required } : {};
  const headers: Record<string, string> =
    error.status === 401
      ? challenge(publicUrl, { error: 'invalid_token', error_description: error.message })
      : error.code === 'insufficient_scope'
        ? challenge(publicUrl, { error: 'insufficient_scope', error_description: error.message, ...scope })
        : {};
  const wait = error.extensions['retry_after'];
  if (typeof wait === 'number') headers['retry-after'] = String(Math.max(1, Math.ceil(wait)));
  refuse(raw, error.status, refused, error.message, { headers, data });
};

/** The scope that a single tools/call of an OAuth token lacks: the client can ask its person for it and call again. */
export const missingScope = (body: unknown, caller: Caller, catalogue: ToolCatalogue): Operation['scope'] => {
  const { method, params } = (body ?? {}) as { method?: unknown; params?: { name?: unknown } };
  if (caller.credential.kind !== 'access_token' || method !== 'tools/call' || typeof params?.name !== 'string')
    return null;
  const scope = catalogue.find(params.name)?.binding.operation.scope ?? null;
  return scope === null || hasScope(caller.scopes, scope) ? null : scope;
};

/** All scopes needed from now on are named, because a client replaces what it has by what the challenge says. */
export const refuseScope = (raw: RawExchange, scope: string, caller: Caller, publicUrl: string): void =>
  refuseCredential(
    raw,
    new AppError('insufficient_scope', `The token lacks the scope ${scope}.`, {
      extensions: { required: [...new Set([...caller.scopes, scope])].join(' ') },
    }),
    publicUrl,
  );
