import type { Client, KoaContextWithOIDC, Provider } from 'oidc-provider';
import { isFrontChannelUri } from '../clients/registration-policy.ts';

interface Authorizations {
  authorizations?: Record<string, { sid?: string }>;
}

const addressOf = (client: Client, sid: string | undefined, issuer: string): string | null => {
  const { frontchannel_logout_uri: uri, frontchannel_logout_session_required: named } = client as unknown as Record<
    string,
    unknown
  >;
  if (!isFrontChannelUri(uri, client.redirectUris ?? [])) return null;
  const url = new URL(uri);
  if (named === true && sid !== undefined) {
    url.searchParams.set('iss', issuer);
    url.searchParams.set('sid', sid);
  }
  return url.href;
};

/** What the browser of somebody who signs out has to load (OpenID Connect Front-Channel Logout). */
export const frontChannelAddresses = async (provider: Provider, ctx: KoaContextWithOIDC): Promise<string[]> => {
  const { authorizations = {} } = ctx.oidc.session as unknown as Authorizations;
  const found: string[] = [];
  for (const [clientId, { sid }] of Object.entries(authorizations)) {
    const client = await provider.Client.find(clientId);
    const address = client === undefined ? null : addressOf(client, sid, provider.issuer);
    if (address !== null) found.push(address);
  }
  return found;
};
