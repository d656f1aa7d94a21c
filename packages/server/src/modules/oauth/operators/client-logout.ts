import type { ClientView } from '@atrium/protocol';
import { invalid } from '../../../platform/errors/app-error.ts';
import { isFrontChannelUri } from '../clients/registration-policy.ts';

type LogoutSettings = Pick<
  ClientView,
  'post_logout_redirect_uris' | 'backchannel_logout_uri' | 'frontchannel_logout_uri'
>;
type Given = { [Member in keyof LogoutSettings]?: LogoutSettings[Member] | undefined };

const channels = ['backchannel_logout_uri', 'frontchannel_logout_uri'] as const;
const sessionNamed = {
  backchannel_logout_uri: 'backchannel_logout_session_required',
  frontchannel_logout_uri: 'frontchannel_logout_session_required',
} as const;

const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null);

/** What a client's metadata say of the end of sessions. */
export const logoutSettings = (metadata: Record<string, unknown>): LogoutSettings => ({
  post_logout_redirect_uris: Array.isArray(metadata['post_logout_redirect_uris'])
    ? metadata['post_logout_redirect_uris'].map(String)
    : [],
  backchannel_logout_uri: textOrNull(metadata['backchannel_logout_uri']),
  frontchannel_logout_uri: textOrNull(metadata['frontchannel_logout_uri']),
});

/** The other way round; what is not given stays. A client is always told which session it is about. */
export const withLogout = (
  metadata: Record<string, unknown>,
  given: Given,
  redirects: readonly string[],
): Record<string, unknown> => {
  const next = { ...metadata };
  if (given.post_logout_redirect_uris !== undefined)
    next['post_logout_redirect_uris'] = [...new Set(given.post_logout_redirect_uris)];
  for (const member of channels) {
    const uri = given[member];
    if (uri === undefined) continue;
    delete next[member];
    delete next[sessionNamed[member]];
    if (uri !== null) Object.assign(next, { [member]: uri, [sessionNamed[member]]: true });
  }
  const framed = next['frontchannel_logout_uri'];
  if (framed !== undefined && !isFrontChannelUri(framed, redirects))
    throw invalid('frontchannel_logout_uri', 'must be at the scheme, host and port of an address to return to');
  return next;
};

/** Without the settings above, which live among the metadata and have no column. */
export const withoutLogout = <T extends Given>(given: T): Omit<T, keyof LogoutSettings> => {
  const {
    post_logout_redirect_uris: _after,
    backchannel_logout_uri: _back,
    frontchannel_logout_uri: _front,
    ...rest
  } = given;
  return rest;
};
