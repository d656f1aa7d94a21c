import { type Operation, operations } from '@atrium/protocol';
import { Command } from 'commander';
import { dashed } from './flag-names.ts';
import { operationCommand } from './operation-command.ts';
import type { Session } from './session.ts';

/** Under what heading of the help they stand. */
export const operationsGroup = 'Operations:';

/** One sentence for each group of generated commands. */
const nounSummaries: Readonly<Record<string, string>> = {
  setup: 'the first owner',
  auth: 'sign-in and sessions, as the web app uses them',
  me: 'your account',
  preferences: 'your preferences',
  sessions: 'your sessions',
  api_keys: 'your API keys',
  orgs: 'the organisation',
  people: 'people and agents one can name',
  members: 'members of the organisation',
  roles: 'roles and their permissions',
  teams: 'teams',
  invitations: 'invitations',
  agents: 'agents and their keys',
  devices: 'paired devices, and codes with which others join',
  device: 'the device that asks, with its own token',
  pairing: 'the steps by which a device joins; its app takes them',
  diaries: 'diaries, their entries and who may read them',
  feed: 'the public feed, and its moderation',
  directory: 'keys and agents by their fingerprints',
  vouchers: 'codes with which members vouch for newcomers, and who came by whom',
  recovery: 'the steps from a key to a new secret; "atrium agent recover" takes them',
  crypto: 'your key, and whose a signature is',
  signing_requests: 'messages for your signature or that of a person; "atrium agent sign" signs yours as an agent',
  personal_keys: 'keys that people sign with, which only a browser makes and uses',
  inbox: 'questions, approvals and notices, every operation',
  items: 'short names for what one does with an item: list, get, answer, …',
  channels: 'channels',
  templates: 'stored forms',
  views: 'saved views',
  always_rules: 'always-allow rules of approvals',
  events: 'the event stream',
  audit: 'the audit trail',
  settings: 'settings of the organisation',
  connected_apps: 'applications you allowed to act for you',
  users: 'people of the whole server, for operators',
  user_sessions: 'sessions of everybody, for operators',
  clients: 'clients of the authorization server, for operators',
  client_documents: 'clients that are known by a document, for operators',
  secret_reveals: 'one-time links to secrets, for operators',
  tokens: 'issued access tokens, for operators',
  grants: 'what people allowed clients, for operators',
  device_codes: 'device codes that wait, for operators',
  approval_requests: 'what clients asked people to approve, for operators',
  signing_keys: 'signing keys and their rotation, for operators',
  resources: 'protected audiences, for operators',
  trusted_issuers: 'issuers elsewhere that are trusted, for operators',
  denylist: 'address ranges that get no answer, for operators',
  registration_tokens: 'tokens for clients that register themselves, for operators',
  security_events: 'recent events across organisations, for operators',
  server: 'the server as a whole: figures, health, trail; for operators',
};

const split = (operation: Operation): [noun: string, verb: string] => operation.name.split('.') as [string, string];

/** Under `atrium items` what an item is and undergoes, without the `_item` that goes without saying there. */
const itemVerb = (operation: Operation): string | null => {
  const [noun, verb] = split(operation);
  if (noun !== 'inbox' || !/^\/api\/v1\/inbox\/(?:items|attachments)/.test(operation.path)) return null;
  return verb.replace(/_items?$/, '');
};

const groupsOf = (): Map<string, [verb: string, operation: Operation][]> => {
  const groups = new Map<string, [string, Operation][]>();
  const add = (noun: string, verb: string, operation: Operation) =>
    groups.set(noun, [...(groups.get(noun) ?? []), [verb, operation]]);
  for (const operation of operations) {
    const [noun, verb] = split(operation);
    add(noun, verb, operation);
    const short = itemVerb(operation);
    if (short !== null) add('items', short, operation);
  }
  return groups;
};

/**
 * `atrium <noun> <verb>` for every operation of the contract. Flags come from schemas, which takes time: with `words`
 * only the groups that the command line names get their verbs.
 */
export const addOperationCommands = (program: Command, session: Session, words?: readonly string[]): void => {
  for (const [noun, entries] of groupsOf()) {
    const group = new Command(dashed(noun)).helpGroup(operationsGroup);
    group.summary(nounSummaries[noun] ?? noun.replaceAll('_', ' '));
    group.description(nounSummaries[noun] ?? noun.replaceAll('_', ' '));
    for (const [verb, operation] of words === undefined || words.includes(dashed(noun)) ? entries : []) {
      const command = group.command(dashed(verb));
      operationCommand(command, operation, session);
    }
    program.addCommand(group);
  }
};
