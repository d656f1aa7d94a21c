import type {
  ParsedInputOf,
  ResourceView,
  resourcesCreate,
  resourcesList,
  resourcesUpdate,
  TrustedIssuerView,
  trustedIssuersCreate,
  trustedIssuersList,
  trustedIssuersUpdate,
} from '@atrium/protocol';
import { invalid, notFound } from '../../../platform/errors/app-error.ts';
import { newId } from '../../../platform/ids/ids.ts';
import type { Call } from '../../../platform/operations/call.ts';
import { timePosition, toPage } from '../../../platform/paging/keyset.ts';
import {
  issuersAdminStore,
  type ListedIssuerRow,
  type ListedResourceRow,
  resourcesAdminStore,
} from '../stores/operator-lists-store.ts';
import { changedMeanwhile, createOperatorAct, type OperatorsContext, time } from './operators-context.ts';

const resourceView = (row: ListedResourceRow): ResourceView => ({
  ...row,
  created_at: time(row.created_at),
  updated_at: time(row.updated_at),
});

const position = (row: { created_at: Date; id: string }) => ({ value: row.created_at, id: row.id });

/** Protected audiences, as operators register them beside the built-in ones. */
export const createResourcesAdminService = (context: OperatorsContext) => {
  const { database, public_url } = context;
  const act = createOperatorAct(context);
  const builtIn = () => {
    const origin = public_url();
    return [
      { audience: `${origin}/mcp`, name: 'MCP' },
      { audience: `${origin}/api/v1`, name: 'REST' },
      { audience: `${origin}/v1`, name: 'Models' },
    ];
  };

  return {
    list: async (_call: Call, input: ParsedInputOf<typeof resourcesList>) => {
      const after = timePosition(input.cursor);
      const rows = await resourcesAdminStore.page(database.read, { q: input.q, after, limit: input.limit + 1 });
      return { ...toPage(rows, input.limit, position, resourceView), built_in: builtIn() };
    },

    create: (call: Call, input: ParsedInputOf<typeof resourcesCreate>) =>
      act(call, async ({ tx, now, done }) => {
        if (builtIn().some(({ audience }) => audience === input.audience))
          throw invalid('audience', 'is one of this server already');
        const id = newId();
        await resourcesAdminStore.insert(tx.db, { ...input, id, scopes: [...new Set(input.scopes)] }, now);
        await done('resource', 'resources.create', { type: 'resource', id }, { ...input });
        return resourceView((await resourcesAdminStore.find(tx.db, id))!);
      }),

    update: (call: Call, input: ParsedInputOf<typeof resourcesUpdate>) =>
      act(call, async ({ tx, now, done }) => {
        const { id, version, ...changes } = input;
        if (!(await resourcesAdminStore.update(tx.db, { id, version, at: now }, changes))) {
          const current = await resourcesAdminStore.version(tx.db, id);
          throw current === null ? notFound('The resource') : changedMeanwhile('The resource', current);
        }
        await done('resource', 'resources.update', { type: 'resource', id }, changes);
        return resourceView((await resourcesAdminStore.find(tx.db, id))!);
      }),

    delete: (call: Call, { id }: { id: string }): Promise<null> =>
      act(call, async ({ tx, done }) => {
        const row = await resourcesAdminStore.delete(tx.db, id);
        if (row === null) throw notFound('The resource');
        await done('resource', 'resources.delete', { type: 'resource', id }, { audience: row.audience });
        return null;
      }),
  };
};
export type ResourcesAdminService = ReturnType<typeof createResourcesAdminService>;

/** What must fit together in a trusted issuer. */
const requireSoundIssuer = (issuer: {
  subject_mapping: string;
  email_domains: readonly string[];
  jit: boolean;
}): void => {
  if (issuer.subject_mapping === 'email' && issuer.email_domains.length === 0)
    throw invalid('email_domains', 'name the domains whose addresses this issuer may vouch for');
};

/** Issuers elsewhere whose assertions are taken for tokens of ours. */
export const createIssuersAdminService = (context: OperatorsContext) => {
  const { database, identity, public_url } = context;
  const act = createOperatorAct(context);

  const views = async (rows: readonly ListedIssuerRow[]): Promise<(row: ListedIssuerRow) => TrustedIssuerView> => {
    const orgs = await identity.names.orgs(rows.map((row) => row.org_id));
    return ({ org_id, ...row }) => ({
      ...row,
      org: { id: org_id, name: orgs.get(org_id) ?? '' },
      created_at: time(row.created_at),
      updated_at: time(row.updated_at),
    });
  };

  return {
    list: async (_call: Call, input: ParsedInputOf<typeof trustedIssuersList>) => {
      const after = timePosition(input.cursor);
      const rows = await issuersAdminStore.page(database.read, { q: input.q, after, limit: input.limit + 1 });
      return toPage(rows, input.limit, position, await views(rows));
    },

    create: (call: Call, input: ParsedInputOf<typeof trustedIssuersCreate>) =>
      act(call, async ({ tx, now, done }) => {
        requireSoundIssuer(input);
        if (input.issuer === public_url()) throw invalid('issuer', 'is this server itself');
        const org_id = input.org_id ?? call.caller.org_id;
        if (!(await identity.names.orgs([org_id])).has(org_id)) throw notFound('The organisation');
        const id = newId();
        await issuersAdminStore.insert(tx.db, { ...input, id, org_id }, now);
        await done('issuer', 'trusted_issuers.create', { type: 'issuer', id }, { ...input });
        const row = (await issuersAdminStore.find(tx.db, id))!;
        return (await views([row]))(row);
      }),

    update: (call: Call, input: ParsedInputOf<typeof trustedIssuersUpdate>) =>
      act(call, async ({ tx, now, done }) => {
        const { id, version, ...changes } = input;
        const known = await issuersAdminStore.find(tx.db, id);
        if (known === null) throw notFound('The issuer');
        requireSoundIssuer({
          subject_mapping: changes.subject_mapping ?? known.subject_mapping,
          email_domains: changes.email_domains ?? known.email_domains,
          jit: changes.jit ?? known.jit,
        });
        if (!(await issuersAdminStore.update(tx.db, { id, version, at: now }, changes)))
          throw changedMeanwhile('The issuer', (await issuersAdminStore.version(tx.db, id)) ?? known.version);
        await done('issuer', 'trusted_issuers.update', { type: 'issuer', id }, changes);
        const row = (await issuersAdminStore.find(tx.db, id))!;
        return (await views([row]))(row);
      }),

    delete: (call: Call, { id }: { id: string }): Promise<null> =>
      act(call, async ({ tx, done }) => {
        const row = await issuersAdminStore.delete(tx.db, id);
        if (row === null) throw notFound('The issuer');
        await done('issuer', 'trusted_issuers.delete', { type: 'issuer', id }, { issuer: row.issuer });
        return null;
      }),
  };
};
export type IssuersAdminService = ReturnType<typeof createIssuersAdminService>;
