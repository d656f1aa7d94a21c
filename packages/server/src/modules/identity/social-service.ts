import type { Rate } from '../../platform/config/value-types.ts';
import type { Transaction } from '../../platform/db/database.ts';
import { AppError, notFound } from '../../platform/errors/app-error.ts';
import { newId } from '../../platform/ids/ids.ts';
import { addressKey } from '../../platform/limits/rate-limiter.ts';
import { type Call, callAs } from '../../platform/operations/call.ts';
import { timePosition, toPage } from '../../platform/paging/keyset.ts';
import { hashToken, newToken } from '../../platform/secrets/tokens.ts';
import { emailsStore } from './emails-store.ts';
import type { Admission, EntryService } from './entry-service.ts';
import { requireGuess } from './guesses.ts';
import type { IdentityContext } from './identity-context.ts';
import { identityEvents } from './identity-events.ts';
import { loginView } from './identity-views.ts';
import type { InvitationsService } from './invitations-service.ts';
import type { LinksService } from './links-service.ts';
import { type LoginRow, loginsStore } from './logins-store.ts';
import { announceCreated, personalOrgName, personCaller } from './new-person.ts';
import type { OrgsService } from './orgs-service.ts';
import { requireOtherWayIn } from './other-way-in.ts';
import { type OutsidePerson, providerFailed, type SocialChecks } from './provider-client.ts';
import type { ProvidersService } from './providers-service.ts';
import { type ProviderRow, providersStore } from './providers-store.ts';
import { requireFresh } from './step-up.ts';
import { usersStore } from './users-store.ts';

export const socialCookie = 'atrium_social';
const stateMs = 10 * 60 * 1000;
const inviteSessionMs = 7 * 24 * 60 * 60 * 1000;
/** Each sign-in that is begun is a row for ten minutes. */
const begun: Rate = { max: 60, windowMs: 15 * 60 * 1000 };

export interface Callback {
  slug: string;
  url: URL;
}

/** Where a callback leads: a session, a second factor, or the page of linked accounts. */
export type SocialResult =
  | { kind: 'admitted'; admission: Admission; next: string | null }
  | { kind: 'linked'; next: string | null };

const statePlace = (hash: string): string => `identity_social_states.sealed:${hash}`;

const lost = (): AppError =>
  new AppError('invalid_credentials', 'This sign-in was begun elsewhere, or too long ago. Begin again.');

const conflict = (message: string): AppError => new AppError('identity_link_conflict', message);

interface Services {
  entry: EntryService;
  providers: ProvidersService;
  orgs: OrgsService;
  links: LinksService;
  invitations: InvitationsService;
}

/** What a sign-in under way keeps sealed. */
interface Kept extends SocialChecks {
  /** Code of the invitation that it is to accept with a new account. */
  invite: string | null;
}

/** Signing in by an account elsewhere, and linking one while signed in. */
export const createSocialService = (context: IdentityContext, services: Services) => {
  const { entry, providers, orgs, links, invitations } = services;
  const { clock, database, limiter, options, secrets, transact } = context;
  const db = database.read;

  const callbackUrl = (slug: string): string => `${options.public_url()}/auth/oauth/${slug}/callback`;

  const begin = async (
    call: Call,
    slug: string,
    purpose: { next: string | null; user_id: string | null },
    invite: string | null = null,
  ): Promise<string> => {
    await requireGuess(limiter, 'ceremony', `social:${addressKey(call.ip)}`, begun);
    const provider = await providersStore.findEnabled(db, slug);
    if (provider === null) throw notFound('The provider');
    const checks: SocialChecks = { state: newToken(), nonce: newToken(), verifier: newToken() };
    const url = await providers
      .clientOf(provider)
      .authorizationUrl(callbackUrl(slug), checks)
      .catch((error: unknown) => {
        throw providerFailed(error);
      });
    const hash = hashToken(checks.state);
    const expires_at = new Date(clock.now().getTime() + stateMs);
    // One browser may have several under way in as many tabs: they share the cookie.
    const browser = call.cookies?.read(socialCookie) ?? newToken();
    await loginsStore.insertState(db, {
      ...{ hash, provider_id: provider.id, browser: hashToken(browser), ...purpose, expires_at },
      sealed: secrets.encrypt(JSON.stringify({ ...checks, invite } satisfies Kept), statePlace(hash)),
    });
    call.cookies?.keep(socialCookie, browser, expires_at);
    return url;
  };

  const announce = (tx: Transaction, userId: string, change: string, login: { id: string; provider: string }): void => {
    tx.emit({ kind: identityEvents.factorChanged, id: userId, body: { user_id: userId, change } });
    const details = { provider: login.provider };
    tx.audit({ action: `factors.${change}`, target_type: 'login', target_id: login.id, details });
  };

  const link = async (
    tx: Transaction,
    userId: string,
    provider: ProviderRow,
    outside: OutsidePerson,
  ): Promise<void> => {
    const { subject, email, label } = outside;
    const login = { id: newId(), provider_id: provider.id, subject, user_id: userId, email, label, at: clock.now() };
    if (!(await loginsStore.insert(tx.db, login))) {
      throw conflict(`This ${provider.name} account belongs to another account here.`);
    }
    announce(tx, userId, 'login_linked', { id: login.id, provider: provider.slug });
  };

  /** While signed in: the account elsewhere becomes a way in to this one, whatever its address is. */
  const linkTo = async (call: Call, userId: string, provider: ProviderRow, outside: OutsidePerson): Promise<void> => {
    if (call.caller.kind !== 'user' || call.caller.id !== userId || call.caller.credential.kind !== 'session')
      throw lost();
    await transact(call, 'logins.link', async (tx) => {
      const known = await loginsStore.find(tx.db, provider.id, outside.subject);
      if (known?.user_id === userId) return;
      await link(tx, userId, provider, outside);
    });
  };

  const signInKnown = async (call: Call, login: LoginRow, outside: OutsidePerson): Promise<Admission> => {
    const person = await entry.entrant(call, login.user_id);
    if (person === null) throw new AppError('invalid_credentials', 'This account is closed.');
    return transact(person.call, 'auth.social', async (tx) => {
      await loginsStore.markUsed(tx.db, login.id, outside.label, clock.now());
      return entry.admitIn(tx, person, { user_id: login.user_id, methods: ['fed'] });
    });
  };

  /** An account here has the address. It opens only by one proven at both ends, at a provider that is trusted with that. */
  const signInByAddress = async (
    call: Call,
    userId: string,
    provider: ProviderRow,
    outside: OutsidePerson,
  ): Promise<Admission> => {
    const person = await entry.entrant(call, userId);
    if (person === null) throw new AppError('invalid_credentials', 'This account is closed.');
    return transact(person.call, 'auth.social', async (tx) => {
      await link(tx, userId, provider, outside);
      return entry.admitIn(tx, person, { user_id: userId, methods: ['fed'] });
    });
  };

  const register = async (
    call: Call,
    provider: ProviderRow,
    outside: OutsidePerson,
    invite: string | null,
  ): Promise<Admission> => {
    if (invite === null && options.registration !== 'open') {
      throw conflict(`No account here belongs to it. Sign in another way, then link ${provider.name} under Security.`);
    }
    const { email } = outside;
    if (email === null) throw conflict(`${provider.name} names no e-mail address for it.`);
    const invitation = invite === null ? null : await invitations.findLive(invite, email);
    // Whoever holds a code that is locked to this very address got it there, or from somebody who vouches for it.
    const verified =
      (outside.email_verified && provider.may_vouch) || (invitation !== null && invitation.email !== null);
    const name =
      (outside.name ?? email.split('@')[0]!)
        .replaceAll(/\p{Cc}/gu, '')
        .trim()
        .slice(0, 100) || 'New person';
    const [id, personalId, at] = [newId(), newId(), clock.now()];
    const org_name = personalOrgName(name);
    const home = { id, name, org_id: personalId, org_name };
    const joins = invitation === null ? home : { ...home, org_id: invitation.org_id, org_name: invitation.org_name };
    const asUser = callAs(call, personCaller(joins));
    return transact(asUser, 'auth.register', async (tx) => {
      const created_by = invite === null ? 'signup' : 'invite';
      const account = { id, name, email, email_id: newId(), verified, created_by, phc: null, at };
      await usersStore.insert(tx.db, { ...account, is_operator: false });
      announceCreated(tx, { user_id: id, org_id: personalId, created_by });
      const personal = await orgs.createIn(tx, asUser, {
        id: personalId,
        name: org_name,
        is_personal: true,
        owner_id: id,
      });
      if (!verified) await links.sendIn(tx, asUser, { purpose: 'verify', user_id: id, email });
      tx.audit({ action: 'auth.register', target_type: 'user', target_id: id, org_id: personal.id });
      await link(tx, id, provider, outside);
      const org = invite === null ? personal : await invitations.acceptIn(tx, asUser, invite);
      const latest = invite === null ? {} : { latest: new Date(at.getTime() + inviteSessionMs) };
      return entry.admitIn(tx, { user_id: id, org, call: asUser }, { user_id: id, methods: ['fed'], ...latest });
    });
  };

  const signIn = async (
    call: Call,
    provider: ProviderRow,
    outside: OutsidePerson,
    { invite, next }: { invite: string | null; next: string | null },
  ): Promise<SocialResult> => {
    const admitted = (admission: Admission): SocialResult => ({ kind: 'admitted', admission, next });
    const login = await loginsStore.find(db, provider.id, outside.subject);
    if (login !== null) return admitted(await signInKnown(call, login, outside));
    const holder = outside.email === null ? null : await emailsStore.findByAddress(db, outside.email);
    if (holder === null) {
      const admission = await register(call, provider, outside, invite);
      // With the account the invitation is accepted; its page has nothing more to ask.
      return { kind: 'admitted', admission, next: invite === null ? next : null };
    }
    if (outside.email_verified && provider.may_vouch && holder.verified_at !== null) {
      return admitted(await signInByAddress(call, holder.user_id, provider, outside));
    }
    throw conflict(`An account here has this address. Sign in to it first, then link ${provider.name} under Security.`);
  };

  return {
    /** The address at the provider where a sign-in begins. */
    begin: (call: Call, slug: string, next: string | null, invite: string | null = null) =>
      begin(call, slug, { next, user_id: null }, invite),

    beginLink: async (call: Call, input: { provider: string }) => {
      await requireFresh(context, call);
      return { url: await begin(call, input.provider, { next: '/settings/security', user_id: call.caller.id }) };
    },

    /** Apple's form post comes from another site, hence without cookies: it is kept, and the browser sent on by GET. */
    noteName: async (state: string, name: string): Promise<void> =>
      loginsStore.noteName(
        db,
        hashToken(state),
        name
          .replaceAll(/\p{Cc}/gu, '')
          .trim()
          .slice(0, 100),
      ),

    finish: async (call: Call, { slug, url }: Callback): Promise<SocialResult> => {
      const state = url.searchParams.get('state');
      const browser = call.cookies?.read(socialCookie) ?? null;
      if (state === null || browser === null) throw lost();
      const hash = hashToken(state);
      const known = await loginsStore.takeState(db, hash, hashToken(browser), clock.now());
      const provider = known === null ? null : await providersStore.find(db, known.provider_id);
      if (known === null || provider === null || provider.slug !== slug || !provider.enabled) throw lost();
      if (url.searchParams.has('error')) {
        throw new AppError('invalid_credentials', `${provider.name} did not let you in, or you turned back there.`);
      }
      const { invite, ...checks } = JSON.parse(secrets.decrypt(known.sealed, statePlace(hash))) as Kept;
      const found = await providers
        .clientOf(provider)
        .person(url, callbackUrl(slug), checks)
        .catch((error: unknown) => {
          throw providerFailed(error);
        });
      const outside = { ...found, name: found.name ?? known.name_given };
      if (known.user_id !== null) {
        await linkTo(call, known.user_id, provider, outside);
        return { kind: 'linked', next: known.next };
      }
      return signIn(call, provider, outside, { invite, next: known.next });
    },

    list: async (call: Call, input: { limit: number; cursor?: string | undefined }) => {
      const rows = await loginsStore.page(db, call.caller.id, timePosition(input.cursor), input.limit + 1);
      return toPage(rows, input.limit, (row) => ({ value: row.created_at, id: row.id }), loginView);
    },

    remove: async (call: Call, input: { id: string }): Promise<null> => {
      await requireFresh(context, call);
      return transact(call, 'logins.remove', async (tx) => {
        const { id: userId } = call.caller;
        const login = await loginsStore.delete(tx.db, userId, input.id);
        if (login === null) throw notFound('The linked account');
        await requireOtherWayIn(tx, userId);
        announce(tx, userId, 'login_unlinked', { id: login.id, provider: login.slug });
        return null;
      });
    },
  };
};

export type SocialService = ReturnType<typeof createSocialService>;
