/**
 * Identity: who somebody is and what they may do. Owns the tables identity_*: people, organisations, roles, teams,
 * invitations, agents, devices and their pairings, sessions, keys, factors, sign-in providers; publishes the views identity_principals, identity_team_people,
 * identity_team_names and identity_public_keys.
 * Announces identity.* events (identity-events.ts). Resolves credentials to callers for every door.
 * Leaves to others: OAuth tokens (addCredentialSource), channels and files (hooks), sending letters (platform/mail),
 * billing (identity_subscriptions).
 */
import type { Preferences } from '@atrium/protocol';
import type { ForgetInAudit } from '../../platform/audit/audit-redaction.ts';
import type { Clock } from '../../platform/clock/clock.ts';
import type { Transaction } from '../../platform/db/database.ts';
import { isUuid } from '../../platform/ids/ids.ts';
import type { RateLimiter } from '../../platform/limits/rate-limiter.ts';
import type { MailTransport } from '../../platform/mail/mail.ts';
import type { GuardedFetch } from '../../platform/net/guarded-fetch.ts';
import type { Call } from '../../platform/operations/call.ts';
import type { Caller } from '../../platform/operations/caller.ts';
import type { RotationVisit, SecretBox } from '../../platform/secrets/secret-box.ts';
import { type AccountService, createAccountService, readPreferences } from './account-service.ts';
import { Activity } from './activity.ts';
import { type AgentKeysService, createAgentKeysService } from './agent-keys-service.ts';
import { type AgentsService, createAgentsService } from './agents-service.ts';
import { type Alert, createAlertsService } from './alerts-service.ts';
import { CallerCache, type ChangedFact } from './caller-cache.ts';
import { type CredentialSource, type Credentials, createCredentials } from './credentials.ts';
import { DevicePresence } from './device-presence.ts';
import { createDevicesService, type DevicesService } from './devices-service.ts';
import { type DeviceTotals, devicesStore } from './devices-store.ts';
import { createDirectoryService, type DirectoryService } from './directory-service.ts';
import { createEmailsService, type EmailsService } from './emails-service.ts';
import { type Admission, createEntryService, type EntryService, type Proof } from './entry-service.ts';
import { createErasureService, type ErasureService } from './erasure-service.ts';
import { createFactorsService, type FactorsService } from './factors-service.ts';
import {
  createTransact,
  type IdentityContext,
  type IdentityDatabase,
  type IdentityOptions,
} from './identity-context.ts';
import { createHooks, type IdentityHooks } from './identity-hooks.ts';
import { createIdentityRotation } from './identity-rotation.ts';
import { createInvitationsService, type InvitationsService } from './invitations-service.ts';
import { createKeysService, type KeysService } from './keys-service.ts';
import { createLinksService, type LinksService } from './links-service.ts';
import { createMailService, type MailService } from './mail-service.ts';
import { createMembersService, type MembersService } from './members-service.ts';
import { createMethodsService, type MethodsService } from './methods-service.ts';
import { createOrgsService, type OrgsService } from './orgs-service.ts';
import { orgsStore } from './orgs-store.ts';
import { createPairingsService, type PairingsService } from './pairings-service.ts';
import { createPasskeysService, type PasskeysService } from './passkeys-service.ts';
import { createPasswords, defaultPasswordCost, type PasswordCost } from './passwords.ts';
import { createPersonalKeysService, type PersonalKeysService } from './personal-keys-service.ts';
import { type Consumption, createPlanService, type PlanService } from './plan-service.ts';
import { createProvidersService, type ProvidersService } from './providers-service.ts';
import { createRecoveryService, type RecoveryService } from './recovery-service.ts';
import { createRegistrationService, type RegistrationService } from './registration-service.ts';
import { createRolesService, type RolesService } from './roles-service.ts';
import { createSessionsService, type SessionsService, type SignedIn } from './sessions-service.ts';
import { type SessionProof, sessionsStore } from './sessions-store.ts';
import { createSetupService, type SetupService } from './setup-service.ts';
import { createSignInService, type SignInService } from './sign-in-service.ts';
import { createSigningRequestsService, type SigningRequestsService } from './signing-requests-service.ts';
import { createSocialService, type SocialService } from './social-service.ts';
import { requireFresh } from './step-up.ts';
import { type Subjects, subjectsStore } from './subjects-store.ts';
import { createTeamsService, type TeamsService } from './teams-service.ts';
import {
  createUsersAdminService,
  emitToOperators,
  requireOperator,
  type UsersAdminService,
} from './users-admin-service.ts';
import { usersAdminStore } from './users-admin-store.ts';
import { usersStore } from './users-store.ts';
import { createVouchedPerson, type VouchedPerson } from './vouched-person.ts';
import { createVouchersService, type VouchersService } from './vouchers-service.ts';

export type { Alert } from './alerts-service.ts';
export type { ChangedFact } from './caller-cache.ts';
export type { CredentialSource, CredentialUse, ProofOfPossession } from './credentials.ts';
export type { Admission, Proof, ProofMethod } from './entry-service.ts';
export type { IdentityDatabase, IdentityOptions } from './identity-context.ts';
export { identityEvents } from './identity-events.ts';
export type {
  DeviceTokens,
  HookAgent,
  HookDevice,
  HookKeyChange,
  HookOrg,
  HookSigning,
  HookSigningEnd,
  HookTeam,
} from './identity-hooks.ts';
export type { Consumption } from './plan-service.ts';
export type {
  AgentClient,
  NamedAgent,
  PersonFacts,
  SubjectDevice,
  SubjectOrg,
  SubjectProfile,
  Subjects,
} from './subjects-store.ts';

/** What higher modules and the hosts use. */
export interface IdentityService extends Pick<Credentials, 'resolve' | 'refresh' | 'callerOf' | 'callerOfSession'> {
  /** Joins another kind of token, such as OAuth access tokens, to `resolve`. */
  addCredentialSource(source: CredentialSource): void;

  /** Calls operators to something. */
  raiseAlert(call: Call, alert: Alert): Promise<void>;

  /* Acts of a higher module that commit with one of this module; registered once, while the app is built. */
  onOrgCreated(hook: IdentityHooks['orgCreated'][number]): void;
  onOrgDeleting(hook: IdentityHooks['orgDeleting'][number]): void;
  onTeamDeleting(hook: IdentityHooks['teamDeleting'][number]): void;
  /** Which of these channels a caller may see; asked before an agent's item scope names them. */
  onItemScopeGranting(hook: IdentityHooks['visibleChannels'][number]): void;
  /** Tokens and the like of somebody who is shut out of the whole server. */
  onUserDisabled(hook: IdentityHooks['userDisabled'][number]): void;
  /** What every agent with a key of its own gets, such as a place to remember in. */
  onAgentRegistered(hook: IdentityHooks['agentRegistered'][number]): void;
  /** For whoever tells others of keys of agents. */
  onAgentKeyChanged(hook: IdentityHooks['agentKeyChanged'][number]): void;
  /** Tokens and the like of an agent that is shut out, or that recovered by its key. */
  onAgentShutOut(hook: IdentityHooks['agentShutOut'][number]): void;
  /** What a device gets when it joins; registered once. */
  onDeviceJoining(hook: IdentityHooks['deviceJoining'][number]): void;
  /** Tokens and the like of a device that is shut out. */
  onDeviceShutOut(hook: IdentityHooks['deviceShutOut'][number]): void;
  /** For whoever tells people what to look at. */
  onDeviceCompromised(hook: IdentityHooks['deviceCompromised'][number]): void;
  /** A refresh token of a device was used twice: its person hears of it, in the transaction that ends its tokens. */
  deviceCompromised: DevicesService['compromised'];
  /** Told of the sockets of every caller. */
  presence: Pick<DevicePresence, 'opened' | 'closed'>;
  /** How many devices there are; of one organisation, or of all. */
  deviceTotals: (orgId: string | null) => Promise<DeviceTotals>;
  /** A message waits for the signature of an agent; the person behind it may be asked. */
  onSigningRequested(hook: IdentityHooks['signingRequested'][number]): void;
  /** It is being signed: what stands for it elsewhere ends. */
  onSigningSettling(hook: IdentityHooks['signingSettling'][number]): void;
  /** What the person behind an agent says to a signing request, in the transaction that closes the question. */
  decideSigning: SigningRequestsService['decide'];
  /** Bytes of files, for the usage page. */
  onUsage(hook: IdentityHooks['storageBytes'][number]): void;

  /**
   * Hears at once what acts of this process changed; the event that tells the other processes comes later. For caches
   * of what a principal may do.
   */
  onChanged(listener: (fact: ChangedFact) => void): void;
  onPersonErasing(hook: IdentityHooks['personErasing'][number]): void;
  onPersonExporting(hook: IdentityHooks['personExporting'][number]): void;

  /* Signing in, for pages of other modules. */
  /** Turns a person whose proof was checked into a session and its cookie, or into a challenge for the second factor. */
  admit(call: Call, proof: Proof): Promise<Admission>;
  admitWithPassword(call: Call, input: { email: string; password: string }): Promise<Admission>;
  /** Answers a challenge with a code of the authenticator or a recovery code; refuses by an AppError. */
  answerChallenge(call: Call, input: { challenge: string; code: string; remember: boolean }): Promise<SignedIn>;
  /** How and when the person of a session proved who they are; null when it has ended. */
  sessionProof(sessionId: string): Promise<SessionProof | null>;
  /** Refuses with `identity_step_up_required` unless the session's person proved who they are a short while ago. */
  requireFresh(call: Call): Promise<void>;

  /** Brings what is kept encrypted under a new master key. */
  rotate: RotationVisit;
  /** Counts a tool call of an agent, for its page. Returns at once. */
  recordToolCall(caller: Caller, call: { tool: string; client: string | null }): void;
  /** Takes from a monthly allowance in the open transaction, or refuses with 402 `plan_limit_exceeded`. */
  consume(tx: Transaction, orgId: string, key: 'monthly_notifications', amount?: number): Promise<Consumption>;
  /** Preferences of members, by user id, for whoever delivers to them. */
  preferencesOf(orgId: string, userIds: readonly string[]): Promise<Map<string, Preferences>>;
  /* For what operators do in higher modules. */
  /** Refuses a caller who is no operator any more, in the open transaction. */
  requireOperator: typeof requireOperator;
  isOperator(userId: string): Promise<boolean>;
  /** One event to operators, in every organisation where one may be listening. */
  emitToOperators: typeof emitToOperators;
  /** Names behind ids that higher modules keep; unknown ids are left out. */
  names: IdentityNames;
  /** The organisation of that slug or id; without one that of whoever set the server up. Null before there is any. */
  homeOrg(ref: string | null): Promise<string | null>;
  /** Figures of the whole server. */
  totals(): ReturnType<typeof usersAdminStore.totals>;

  /** The setup token to print at start; null when there is none to print. */
  prepareSetupToken(): Promise<string | null>;
  /** Ends the session of a page that works without script. */
  signOut: SessionsService['logout'];
  /** Makes an account for somebody whom a trusted issuer vouches for. */
  createVouched: VouchedPerson;
  /** Narrow answers about principals for the module that issues tokens. */
  subjects: Subjects;
  /** Drops cached callers that an event of any replica is about. */
  invalidate(fact: ChangedFact): void;
  /** Writes what has gathered about use. Called at shutdown, before the database closes. */
  flush(): Promise<void>;
}

export interface IdentityNames {
  principals(ids: readonly string[]): Promise<Map<string, { name: string; type: PrincipalType }>>;
  orgs(ids: readonly string[]): Promise<Map<string, string>>;
  /** Ids of principals that are called so, at most a thousand. */
  called(q: string): Promise<string[]>;
}
export type PrincipalType = 'user' | 'agent' | 'device' | 'service';

/** The services behind the operations. Only identity-module.ts and tests reach for them. */
export interface IdentityServices {
  setup: SetupService;
  signIn: SignInService;
  sessions: SessionsService;
  account: AccountService;
  keys: KeysService;
  orgs: OrgsService;
  plan: PlanService;
  members: MembersService;
  roles: RolesService;
  teams: TeamsService;
  invitations: InvitationsService;
  agents: AgentsService;
  agentKeys: AgentKeysService;
  registration: RegistrationService;
  vouchers: VouchersService;
  recovery: RecoveryService;
  signingRequests: SigningRequestsService;
  directory: DirectoryService;
  devices: DevicesService;
  pairings: PairingsService;
  methods: MethodsService;
  entry: EntryService;
  links: LinksService;
  mail: MailService;
  emails: EmailsService;
  factors: FactorsService;
  passkeys: PasskeysService;
  personalKeys: PersonalKeysService;
  providers: ProvidersService;
  social: SocialService;
  erasure: ErasureService;
  usersAdmin: UsersAdminService;
}

export interface IdentityParts {
  database: IdentityDatabase;
  clock: Clock;
  limiter: RateLimiter;
  secrets: SecretBox;
  mail: MailTransport;
  fetch: GuardedFetch;
  /** Takes somebody out of the trail, whose lines stay. */
  forgetInAudit: ForgetInAudit;
  /** Keys of this server alone, current first. Challenges of recovery are good under any of them. */
  challenge_keys: readonly [Uint8Array, ...Uint8Array[]];
  options: IdentityOptions;
  /** What it does not name is as in `defaultPasswordCost`. */
  password_cost?: Partial<PasswordCost>;
  /** Hears of marks of use that could not be written. */
  onError?: (error: unknown) => void;
}

export interface Identity extends IdentityService {
  services: IdentityServices;
  parts: Pick<IdentityParts, 'database' | 'clock' | 'options'> & { presence: DevicePresence };
}

const createServices = (context: IdentityContext): IdentityServices => {
  const plan = createPlanService(context);
  const sessions = createSessionsService(context);
  const orgs = createOrgsService(context);
  const invitations = createInvitationsService(context, plan);
  const setup = createSetupService(context, sessions, orgs);
  const entry = createEntryService(context, sessions);
  const links = createLinksService(context, { entry, sessions });
  const passkeys = createPasskeysService(context, entry);
  const providers = createProvidersService(context);
  return {
    ...{ plan, sessions, orgs, invitations, setup, entry, links, passkeys, providers },
    personalKeys: createPersonalKeysService(context, passkeys),
    methods: createMethodsService(context),
    mail: createMailService(context),
    emails: createEmailsService(context, links),
    factors: createFactorsService(context, { entry, sessions, passkeys }),
    social: createSocialService(context, { entry, providers, orgs, links, invitations }),
    erasure: createErasureService(context, { sessions, invitations, orgs }),
    signIn: createSignInService(context, { sessions, orgs, setup, invitations, entry, links }),
    account: createAccountService(context, sessions),
    keys: createKeysService(context),
    members: createMembersService(context, { sessions, invitations, plan }),
    roles: createRolesService(context),
    teams: createTeamsService(context, plan),
    agents: createAgentsService(context, plan),
    agentKeys: createAgentKeysService(context),
    registration: createRegistrationService(context, plan),
    vouchers: createVouchersService(context),
    recovery: createRecoveryService(context),
    signingRequests: createSigningRequestsService(context),
    directory: createDirectoryService(context),
    devices: createDevicesService(context),
    pairings: createPairingsService(context),
    usersAdmin: createUsersAdminService(context, { sessions, links, orgs }),
  };
};

const mostCalled = 1000;

const createNames = ({ read }: IdentityDatabase): IdentityNames => ({
  principals: async (ids) => {
    const known = [...new Set(ids.filter(isUuid))];
    const rows = known.length === 0 ? [] : await usersAdminStore.principalNames(read, known);
    return new Map(rows.map(({ id, name, type }) => [id, { name, type }]));
  },
  orgs: async (ids) => {
    const rows = ids.length === 0 ? [] : await usersAdminStore.orgNames(read, [...new Set(ids)]);
    return new Map(rows.map(({ id, name }) => [id, name]));
  },
  called: (q) => usersAdminStore.principalsCalled(read, q, mostCalled),
});

export const createIdentity = (parts: IdentityParts): Identity => {
  const { database, clock, limiter, options, onError, secrets, mail, fetch, forgetInAudit } = parts;
  const cache = new CallerCache();
  const hooks = createHooks();
  const activity = new Activity({ database, clock, ...(onError === undefined ? {} : { onError }) });
  const credentials = createCredentials({ database, clock, cache, activity });
  const passwords = createPasswords({ ...defaultPasswordCost, ...parts.password_cost });
  const listeners = [(fact: ChangedFact) => cache.invalidate(fact)];
  const transact = createTransact(database, (fact) => {
    for (const listener of listeners) listener(fact);
  });
  const context = {
    ...{ database, clock, transact, hooks, passwords, limiter, options, secrets, mail, fetch },
    ...{ forgetInAudit, challenge_keys: parts.challenge_keys },
  };
  const services = createServices(context);
  const presence = new DevicePresence({
    ...{ database, clock, offline_after_ms: options.devices.offline_after_ms },
    onError: onError ?? (() => {}),
  });
  return {
    services,
    parts: { database, clock, options, presence },
    resolve: credentials.resolve,
    refresh: credentials.refresh,
    callerOf: credentials.callerOf,
    deviceTotals: (orgId) => devicesStore.totals(database.read, orgId, clock.now()),
    callerOfSession: credentials.callerOfSession,
    addCredentialSource: credentials.addSource,
    onOrgCreated: (hook) => void hooks.orgCreated.push(hook),
    onOrgDeleting: (hook) => void hooks.orgDeleting.push(hook),
    onTeamDeleting: (hook) => void hooks.teamDeleting.push(hook),
    onItemScopeGranting: (hook) => void hooks.visibleChannels.push(hook),
    onUserDisabled: (hook) => void hooks.userDisabled.push(hook),
    onAgentRegistered: (hook) => void hooks.agentRegistered.push(hook),
    onAgentKeyChanged: (hook) => void hooks.agentKeyChanged.push(hook),
    onAgentShutOut: (hook) => void hooks.agentShutOut.push(hook),
    onDeviceJoining: (hook) => void hooks.deviceJoining.push(hook),
    onDeviceShutOut: (hook) => void hooks.deviceShutOut.push(hook),
    onDeviceCompromised: (hook) => void hooks.deviceCompromised.push(hook),
    deviceCompromised: services.devices.compromised,
    presence,
    onSigningRequested: (hook) => void hooks.signingRequested.push(hook),
    onSigningSettling: (hook) => void hooks.signingSettling.push(hook),
    decideSigning: services.signingRequests.decide,
    onChanged: (listener) => void listeners.push(listener),
    onUsage: (hook) => void hooks.storageBytes.push(hook),
    onPersonErasing: (hook) => void hooks.personErasing.push(hook),
    onPersonExporting: (hook) => void hooks.personExporting.push(hook),
    admit: services.entry.admit,
    admitWithPassword: services.signIn.withPassword,
    answerChallenge: services.factors.answerChallenge,
    sessionProof: (id) => sessionsStore.proof(database.read, id, clock.now()),
    requireFresh: (call) => requireFresh(context, call),
    rotate: createIdentityRotation(database),
    recordToolCall: (caller, { tool, client }) => activity.called(caller, tool, client),
    consume: services.plan.consume,
    preferencesOf: async (orgId, userIds) => {
      const rows = await usersStore.preferencesOf(database.read, orgId, userIds);
      return new Map(rows.map((row) => [row.id, readPreferences(row.preferences)]));
    },
    requireOperator,
    isOperator: (userId) => usersAdminStore.isOperator(database.read, userId),
    emitToOperators,
    names: createNames(database),
    homeOrg: (ref) => orgsStore.home(database.read, ref),
    totals: () => usersAdminStore.totals(database.read, clock.now()),
    prepareSetupToken: services.setup.prepareToken,
    signOut: services.sessions.logout,
    createVouched: createVouchedPerson(context, services.orgs, services.plan),
    subjects: subjectsStore,
    raiseAlert: createAlertsService(context).raise,
    invalidate: (fact) => cache.invalidate(fact),
    flush: async () => {
      await presence.stop();
      await activity.flush();
    },
  };
};
