import type { OauthConfig } from '../../../platform/config/config.ts';

/** Polls for a person's approval of one transaction. */
export const approvalGrant = 'urn:atrium:params:oauth:grant-type:approval';
/** Polls for a person's consent given apart from the client (OpenID Connect CIBA). */
export const cibaGrant = 'urn:openid:params:grant-type:ciba';

export interface OptionalGrants {
  /** Those that a setting switched on. */
  on: readonly string[];
  off: readonly string[];
}

export const optionalGrants = (config: Pick<OauthConfig, 'approvals' | 'ciba'>): OptionalGrants => {
  const all: [string, boolean][] = [
    [approvalGrant, config.approvals],
    [cibaGrant, config.ciba],
  ];
  const those = (wanted: boolean) => all.filter(([, on]) => on === wanted).map(([grant]) => grant);
  return { on: those(true), off: those(false) };
};
