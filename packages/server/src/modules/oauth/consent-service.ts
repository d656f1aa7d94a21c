import { createHash, createHmac } from 'node:crypto';
import { holdsScope } from '@atrium/protocol';
import type { Client } from 'oidc-provider';
import type { Caller } from '../../platform/operations/caller.ts';
import { timingSafeEqualText } from '../../platform/secrets/tokens.ts';
import type { NamedAgent, SubjectOrg } from '../identity/index.ts';
import type { ClientFacts } from './clients/client-registry.ts';
import { isLoopbackRedirect } from './clients/registration-policy.ts';
import { isPrivileged, oidcScopes, scopeWords } from './clients/scopes-of-clients.ts';
import type { EngineParts } from './engine/engine-config.ts';
import { namedAgentOf, withinAgent } from './engine/named-agent.ts';
import { currentScope } from './engine/request-scope.ts';
import { oauthEvents } from './oauth-events.ts';
import type { ConsentView } from './pages/consent-page.ts';
import { clientDocumentsStore } from './stores/client-documents-store.ts';
import { clientsStore } from './stores/clients-store.ts';
import { grantsStore } from './stores/grants-store.ts';

/** What the engine stored of the request that waits. */
export interface WaitingRequest {
  uid: string;
  params: Record<string, unknown>;
  details: { rar?: Record<string, unknown>[] };
}

/** The engine's grant, as far as consent fills it. */
export interface OpenGrant {
  jti: string;
  openid?: unknown;
  resources?: unknown;
  rejected?: unknown;
  addOIDCScope(scope: string): void;
  addResourceScope(resource: string, scope: string): void;
  rejectOIDCScope(scope: string): void;
  rejectResourceScope(resource: string, scope: string): void;
  addRar(detail: Record<string, unknown>): void;
  save(): Promise<string>;
}

interface Asked {
  oidc: string[];
  /** By resource. */
  resources: Map<string, { name: string; scopes: string[] }>;
}

const mostDocuments = 1000;
/** What the sign-in page takes as a place to go on to. */
const longestReturn = 2000;

const words = (text: unknown): string[] =>
  typeof text === 'string' ? text.split(' ').filter((word) => word !== '') : [];

const list = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value]).filter((one): one is string => typeof one === 'string');

const days = (ms: number): string => {
  const count = Math.round(ms / 86_400_000);
  return count >= 1 ? `${count} ${count === 1 ? 'day' : 'days'}` : `${Math.max(1, Math.round(ms / 60_000))} minutes`;
};

const withoutScheme = (address: string): string => address.replace(/^https?:\/\//, '');

/** What a person is shown before they allow something, and what becomes of their answer. */
export const createConsentService = (parts: EngineParts) => {
  const { clients, resources, identity, clock, config } = parts;
  const csrfKey = parts.keysFor('oauth consent')[0];

  const asked = async (
    request: WaitingRequest,
    client: Client,
    facts: ClientFacts,
    agent: NamedAgent | null,
  ): Promise<Asked> => {
    const scope = currentScope();
    const wanted = words(request.params['scope']);
    const declared = words((client as unknown as { atrium_scope?: string }).atrium_scope);
    const found: Asked = {
      oidc: wanted.filter((one) => (oidcScopes as readonly string[]).includes(one)),
      resources: new Map(),
    };
    for (const indicator of list(request.params['resource'])) {
      const known = await scope.run((db) => resources.find(db, indicator));
      if (known === null) continue;
      const scopes = wanted
        .filter(
          (one) =>
            known.scopes.includes(one) &&
            holdsScope(facts.scopes, one) &&
            (declared.length === 0 || holdsScope(declared, one)),
        )
        .filter((one) => withinAgent(agent, one));
      found.resources.set(indicator, { name: known.name, scopes });
    }
    return found;
  };

  const factsOf = async (client: Client): Promise<ClientFacts> => {
    const facts = await currentScope().run((db) => clients.facts(db, client.clientId));
    if (facts === null) throw new Error('A client vanished while its request waited.');
    return facts;
  };

  const hostOf = (client: Client, facts: ClientFacts, redirect: string | null): string => {
    if (facts.origin === 'document') return new URL(client.clientId).host;
    if (redirect === null) return '';
    const url = new URL(redirect);
    return url.host === '' ? url.protocol : url.host;
  };

  /** The same request from its beginning, after somebody else has signed in; not where it came signed or pushed. */
  const otherAccount = (request: WaitingRequest): string | null => {
    const { params } = request;
    if (params['redirect_uri'] === undefined || params['request'] !== undefined || params['request_uri'] !== undefined)
      return null;
    const again = new URLSearchParams();
    for (const [name, value] of Object.entries(params))
      for (const one of list(value)) if (name !== 'prompt') again.append(name, one);
    const return_to = `/oauth/authorize?${again}`;
    return return_to.length > longestReturn ? null : `/login?${new URLSearchParams({ again: '1', return_to })}`;
  };

  const orgsOf = (person: Caller): Promise<SubjectOrg[]> =>
    currentScope().run((db) => identity.subjects.orgs(db, person.id));

  return {
    /** Bound to the interaction, whose cookie only this browser has, and to the person in front of it. */
    csrf: (uid: string, person: Caller): string =>
      createHmac('sha256', csrfKey).update(`${uid}\n${person.id}`).digest('base64url'),

    checksCsrf(uid: string, person: Caller, given: unknown): boolean {
      return typeof given === 'string' && timingSafeEqualText(given, this.csrf(uid, person));
    },

    /** Null when the request names an agent of an organisation that the person is not in. */
    view: async (request: WaitingRequest, client: Client, person: Caller): Promise<ConsentView | null> => {
      const scope = currentScope();
      const facts = await factsOf(client);
      const agent = await namedAgentOf(request.params, identity);
      const wants = await asked(request, client, facts, agent);
      const redirect = typeof request.params['redirect_uri'] === 'string' ? request.params['redirect_uri'] : null;
      const before = await scope.run((db) =>
        grantsStore.latest(
          db,
          { client_id: client.clientId, subject: person.id, actor: agent?.id ?? null },
          clock.now(),
        ),
      );
      const orgs = (await orgsOf(person)).filter(({ id }) => agent === null || id === agent.org_id);
      if (orgs.length === 0) return null;
      const chosen = before?.org_id ?? person.org_id;
      const names = [...wants.oidc, ...[...wants.resources.values()].flatMap(({ scopes }) => scopes)];
      const stays = client.grantTypeAllowed('refresh_token');
      const profile = await scope.run((db) => identity.subjects.profile(db, person.id));
      return {
        uid: request.uid,
        csrf: createHmac('sha256', csrfKey).update(`${request.uid}\n${person.id}`).digest('base64url'),
        person: profile?.email ?? person.name,
        other_account: otherAccount(request),
        client: {
          name: client.clientName ?? client.clientId,
          verified: facts.origin === 'operator',
          host: hostOf(client, facts, redirect),
          host_is: facts.origin === 'document' ? 'document' : redirect === null ? 'none' : 'redirect',
          registered_at: facts.origin === 'registered' ? facts.created_at : null,
        },
        redirect: redirect === null ? 'The device that shows the code' : new URL(redirect).host || redirect,
        on_this_computer: redirect !== null && isLoopbackRedirect(redirect),
        agent:
          agent === null
            ? null
            : {
                ...{ name: agent.name, kind: agent.kind, owner: agent.owner_name, role: agent.role_name },
                items: agent.item_scope.kind,
              },
        resources: [...wants.resources].map(([audience, { name }]) => ({ name, address: withoutScheme(audience) })),
        scopes: [...new Set(names)].map((name) => ({
          scope: name,
          words: scopeWords(name),
          optional: name !== 'openid' && name !== 'offline_access',
          privileged: isPrivileged(name),
          added: before !== null && !before.scopes.includes(name),
        })),
        details: (request.details.rar ?? []).map((detail) => String(detail['title'] ?? detail['type'])),
        orgs: orgs.map(({ id, name }) => ({ id, name, chosen: id === chosen })),
        lasts: stays
          ? `Until you withdraw it, or ${days(config.refreshTtlMs)} after it was last used`
          : days(config.accessTtlMs),
        known_before: before !== null,
      };
    },

    /** Stores what the person allowed. Null when they left nothing, or chose an organisation that is not theirs. */
    allow: async (
      request: WaitingRequest,
      client: Client,
      person: Caller,
      answer: { org: string; scopes: readonly string[] },
      open: () => OpenGrant,
    ): Promise<string | null> => {
      const scope = currentScope();
      const facts = await factsOf(client);
      const agent = await namedAgentOf(request.params, identity);
      const wants = await asked(request, client, facts, agent);
      const org = (await orgsOf(person)).find(({ id }) => id === answer.org);
      if (org === undefined || (agent !== null && agent.org_id !== org.id)) return null;
      const kept = (of: readonly string[]) => of.filter((one) => one === 'openid' || answer.scopes.includes(one));
      const left = (of: readonly string[]) => of.filter((one) => one !== 'openid' && !answer.scopes.includes(one));
      const given = [...kept(wants.oidc), ...[...wants.resources.values()].flatMap(({ scopes }) => kept(scopes))];
      const details = request.details.rar ?? [];
      if (given.length === 0 && details.length === 0) return null;

      const grant = open();
      // Asking for more later adds to what was allowed; it takes nothing away.
      const before = await scope.run((db) =>
        grantsStore.latest(
          db,
          { client_id: client.clientId, subject: person.id, actor: agent?.id ?? null, org_id: org.id },
          clock.now(),
        ),
      );
      if (before !== null) {
        const { openid, resources: of } = before.payload;
        Object.assign(grant, structuredClone({ openid, resources: of }));
      }
      const oidc = kept(wants.oidc);
      if (oidc.length > 0) grant.addOIDCScope(oidc.join(' '));
      if (left(wants.oidc).length > 0) grant.rejectOIDCScope(left(wants.oidc).join(' '));
      for (const [indicator, { scopes }] of wants.resources) {
        grant.addResourceScope(indicator, kept(scopes).join(' '));
        if (left(scopes).length > 0) grant.rejectResourceScope(indicator, left(scopes).join(' '));
      }
      for (const detail of details) grant.addRar(detail);
      scope.grant_org = org.id;
      scope.grant_actor = agent?.id ?? null;
      const id = await grant.save();
      const now = clock.now();
      await scope.write(async (tx) => {
        if (facts.origin === 'document') {
          const metadata = client.metadata() as Record<string, unknown>;
          const text = JSON.stringify(metadata);
          await clientDocumentsStore.keep(
            tx.db,
            {
              client_id: client.clientId,
              host: new URL(client.clientId).host,
              metadata,
              digest: createHash('sha256').update(text).digest('hex'),
            },
            mostDocuments,
            now,
          );
        } else await clientsStore.markConsented(tx.db, client.clientId, now);
        const body = {
          client_id: client.clientId,
          subject: person.id,
          scopes: given,
          resources: [...wants.resources.keys()],
          ...(agent === null ? {} : { actor: agent.id }),
        };
        tx.emit({ kind: oauthEvents.consentGiven, id, org_id: org.id, body });
        tx.audit({ action: 'oauth.consent.give', target_type: 'grant', target_id: id, org_id: org.id, details: body });
      });
      return id;
    },
  };
};

export type ConsentService = ReturnType<typeof createConsentService>;
