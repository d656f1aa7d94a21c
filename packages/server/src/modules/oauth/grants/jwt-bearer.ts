import { holdsScope } from '@atrium/protocol';
import { createRemoteJWKSet, customFetch, decodeJwt, decodeProtectedHeader, type JWTPayload, jwtVerify } from 'jose';
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import { hashToken } from '../../../platform/secrets/tokens.ts';
import type { ClientFacts } from '../clients/client-registry.ts';
import type { EngineParts } from '../engine/engine-config.ts';
import { errors } from '../engine/oidc-provider.ts';
import { createEngineFetch } from '../engine/outbound.ts';
import { currentScope } from '../engine/request-scope.ts';
import { type TrustedIssuerRow, trustedIssuersStore } from '../stores/resources-store.ts';
import { replaysStore } from '../stores/revocations-store.ts';
import { idJagJwt } from './id-jag.ts';
import { issueToken } from './issue-token.ts';

export const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

const refuse = (description: string): never => {
  throw new errors.InvalidGrant(description);
};

const words = (text: unknown): string[] =>
  typeof text === 'string' ? text.split(' ').filter((word) => word !== '') : [];

type KeySet = ReturnType<typeof createRemoteJWKSet>;

const keysCooldownMs = 60_000;

/** RFC 7523: an assertion of an issuer that an operator trusts, for a token of ours. No refresh token comes with it. */
export const registerJwtBearer = (provider: Provider, parts: EngineParts): void => {
  const { clients, resources, identity, clock, config, public_url, guardedFetch } = parts;
  const fetch = createEngineFetch(guardedFetch);
  const keySets = new Map<string, KeySet>();

  const keysOf = (issuer: TrustedIssuerRow): KeySet => {
    const key = `${issuer.id} ${issuer.jwks_uri}`;
    const known = keySets.get(key);
    if (known !== undefined) return known;
    let asked = Number.NEGATIVE_INFINITY;
    const made: KeySet = createRemoteJWKSet(new URL(issuer.jwks_uri), {
      // An unknown kid asks again at most once a minute; without an answer known keys serve until they are stale.
      cooldownDuration: keysCooldownMs,
      cacheMaxAge: 600_000,
      timeoutDuration: 5000,
      [customFetch]: async (url, options) => {
        const now = clock.now().getTime();
        // The set counts its cooldown from the last answer, so an issuer that gives none would be asked for every guess.
        if (made.fresh && now - asked < keysCooldownMs) throw new Error('the keys were asked for a moment ago');
        asked = now;
        return await fetch(url, options as RequestInit);
      },
    });
    keySets.set(key, made);
    return made;
  };

  const verified = async (assertion: string, issuer: TrustedIssuerRow): Promise<JWTPayload> => {
    const { payload } = await jwtVerify(assertion, keysOf(issuer), {
      issuer: issuer.issuer,
      audience: [public_url(), `${public_url()}/oauth/token`],
      algorithms: issuer.algs,
      requiredClaims: ['exp', 'iat', 'jti', 'sub'],
      maxTokenAge: issuer.max_age_s,
      clockTolerance: 5,
      currentDate: clock.now(),
    }).catch((): never => refuse('the assertion is not valid'));
    if (payload.exp! - payload.iat! > issuer.max_age_s) refuse('the assertion lives too long');
    return payload;
  };

  /** The person an assertion stands for, made when the issuer may do that. */
  const personOf = async (payload: JWTPayload, issuer: TrustedIssuerRow): Promise<string> => {
    const scope = currentScope();
    const subject = String(payload.sub);
    const bound = await scope.run((db) => trustedIssuersStore.subject(db, issuer.id, subject));
    if (bound !== null) return bound;
    const email = typeof payload['email'] === 'string' ? payload['email'].trim() : '';
    const domain = email.slice(email.lastIndexOf('@') + 1).toLowerCase();
    const vouched =
      email.includes('@') &&
      payload['email_verified'] !== false &&
      issuer.email_domains.some((one) => one.toLowerCase() === domain);
    if (issuer.subject_mapping === 'email' && !vouched) refuse('the issuer may not vouch for this address');
    const now = clock.now();
    const existing =
      issuer.subject_mapping === 'email' ? await scope.run((db) => identity.subjects.byVerifiedEmail(db, email)) : null;
    if (existing === null && (!issuer.jit || !vouched)) refuse('the subject is not known here');
    if (existing === null && (await scope.run((db) => identity.subjects.emailTaken(db, email))))
      refuse('the address belongs to an account that has not confirmed it');
    return await scope.write(async (tx) => {
      const name = typeof payload['name'] === 'string' ? payload['name'].slice(0, 200) : email;
      const id = existing ?? (await identity.createVouched(tx, scope.call, { name, email, org_id: issuer.org_id }));
      await trustedIssuersStore.bindSubject(tx.db, issuer.id, subject, id, now);
      return id;
    });
  };

  /** An assertion by which somebody else's server vouches for a person towards one client, and no further. */
  const requireIdJag = (payload: JWTPayload, clientId: string): void => {
    if (!config.agents.idJag) refuse('identity assertions are not accepted here');
    if (payload['client_id'] !== clientId) refuse('the assertion is for another client');
    if (payload.aud !== public_url()) refuse('the audience of an identity assertion is the issuer alone');
  };

  /** `within`: what the assertion itself was given for. */
  const scopesFor = (
    asked: string[],
    issuer: TrustedIssuerRow,
    facts: ClientFacts,
    within: readonly string[] | null,
  ): string[] => {
    const may = issuer.scopes.filter(
      (scope) => holdsScope(facts.scopes, scope) && (within === null || holdsScope(within, scope)),
    );
    const beyond = asked.filter((scope) => !may.includes(scope));
    if (beyond.length > 0) throw new errors.InvalidScope('the issuer or the client may not have it', beyond.join(' '));
    return asked.length === 0 ? may : asked;
  };

  const grant = async (ctx: KoaContextWithOIDC): Promise<void> => {
    const params = ctx.oidc.params as { assertion?: string; scope?: string; resource?: string | string[] };
    const scope = currentScope();
    const { assertion } = params;
    if (assertion === undefined) throw new errors.InvalidRequest('missing required parameter assertion');
    const claimed = (() => {
      try {
        return decodeJwt(assertion).iss;
      } catch {
        return refuse('the assertion is not a JWT');
      }
    })();
    const issuer = await scope.run((db) => trustedIssuersStore.find(db, String(claimed)));
    if (issuer === null) return refuse('the issuer is not trusted');
    const payload = await verified(assertion, issuer);
    const isIdJag = decodeProtectedHeader(assertion).typ?.toLowerCase() === idJagJwt;
    if (isIdJag) requireIdJag(payload, ctx.oidc.client!.clientId);
    const first = await scope.write((tx) =>
      replaysStore.claim(tx.db, {
        issuer: issuer.issuer,
        jti_hash: hashToken(String(payload.jti)),
        kind: 'grant_assertion',
        expires_at: new Date((payload.exp! + 60) * 1000),
      }),
    );
    if (!first) return refuse('the assertion was used before');
    const facts = await scope.run((db) => clients.facts(db, ctx.oidc.client!.clientId));
    const person = await personOf(payload, issuer);
    const orgs = await scope.run((db) => identity.subjects.orgs(db, person));
    if (!orgs.some(({ id }) => id === issuer.org_id))
      return refuse('the subject is not in the organisation of the issuer');
    const vouched = isIdJag && typeof payload['resource'] === 'string' ? payload['resource'] : undefined;
    const [resource = vouched ?? resources.usual, ...others] = [params.resource ?? []].flat();
    if (others.length > 0) throw new errors.InvalidTarget('name one resource');
    if (vouched !== undefined && vouched !== resource)
      throw new errors.InvalidTarget('the assertion is for another resource');
    const within = isIdJag && payload['scope'] !== undefined ? words(payload['scope']) : null;
    ctx.body = await issueToken(ctx, parts, {
      subject: person,
      resource,
      scopes: scopesFor(words(params.scope), issuer, facts!, within),
      grant_id: null,
      not_after: null,
      extra: { org: issuer.org_id, actor_type: 'user' },
    });
  };

  provider.registerGrantType(jwtBearer, grant as never, ['assertion', 'scope', 'resource'], ['resource']);
};
