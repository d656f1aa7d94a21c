import type { Transaction } from '../../platform/db/database.ts';
import type { Call } from '../../platform/operations/call.ts';
import type { Caller } from '../../platform/operations/caller.ts';

export interface HookOrg {
  id: string;
  name: string;
  slug: string;
  is_personal: boolean;
}

export interface HookTeam {
  id: string;
  org_id: string;
  name: string;
  /** People who are in the team while it is being deleted. */
  member_ids: readonly string[];
}

/** An agent that has a key now. */
export interface HookAgent {
  id: string;
  org_id: string;
  name: string;
  public_key: string;
  fingerprint: string;
}

/** A message that is to be signed: by an agent, behind which that person stands, or by the person. */
export interface HookSigning {
  id: string;
  org_id: string;
  asker: { type: 'user' | 'agent' | 'device' | 'service'; id: string; name: string };
  signer: 'agent' | 'person';
  person_id: string;
  message: string;
  expires_at: Date;
}

/** How a request ends by its own operations. */
export interface HookSigningEnd {
  id: string;
  org_id: string;
  why: 'signed' | 'declined' | 'cancelled';
}

/** A device that joins. */
export interface HookDevice {
  id: string;
  org_id: string;
  user_id: string;
  name: string;
  scopes: readonly string[];
  /** Thumbprint of its key. */
  jkt: string;
}

/** What a device gets when it joins. */
export interface DeviceTokens {
  access_token: string;
  expires_in: number;
  refresh_token: string;
}

/** What happened to the key of an agent, and which one it has now. */
export interface HookKeyChange extends HookAgent {
  change: 'registered' | 'attached' | 'rotated';
}

/** Acts of higher modules that must commit together with an act of identity. Each runs in the open transaction. */
export interface IdentityHooks {
  orgCreated: ((tx: Transaction, org: HookOrg, call: Call) => Promise<void>)[];
  /** Before the rows go. Higher modules release what does not go with a foreign key, such as counted files. */
  orgDeleting: ((tx: Transaction, org: HookOrg, call: Call) => Promise<void>)[];
  /** Before the row goes. A higher module gives up its references to the team, or the deletion fails. */
  teamDeleting: ((tx: Transaction, call: Call, team: HookTeam) => Promise<void>)[];
  /** Which of the channels the caller may see. An agent gets no channel that its maker does not see. */
  visibleChannels: ((caller: Caller, channelIds: readonly string[]) => Promise<readonly string[]>)[];
  /** When an operator shuts a person out: what higher modules gave them ends in the same transaction. */
  userDisabled: ((tx: Transaction, userId: string) => Promise<void>)[];
  /** An agent came in by its key, or one that was there attached its first: what every such agent gets is made here. */
  agentRegistered: ((tx: Transaction, agent: HookAgent, call: Call) => Promise<void>)[];
  /** The key of an agent is another one than before, its first included. */
  agentKeyChanged: ((tx: Transaction, change: HookKeyChange) => Promise<void>)[];
  /** An agent was shut out, or recovered by its key: what it was given with its old secret ends. */
  agentShutOut: ((tx: Transaction, agent: { id: string; client_id: string }) => Promise<void>)[];
  /** A device joins: whoever issues tokens gives it its first. */
  deviceJoining: ((tx: Transaction, device: HookDevice) => Promise<DeviceTokens>)[];
  /** A device was shut out: what it was given ends. */
  deviceShutOut: ((tx: Transaction, device: { id: string; org_id: string }) => Promise<void>)[];
  /** Somebody used a refresh token of a device a second time; its person is to hear of it. */
  deviceCompromised: ((
    tx: Transaction,
    device: Pick<HookDevice, 'id' | 'org_id' | 'user_id' | 'name'>,
    call: Call,
  ) => Promise<void>)[];
  /** A signature is wanted: whoever shows questions to people puts it to the one behind the agent, or who is to sign. */
  signingRequested: ((tx: Transaction, request: HookSigning, call: Call) => Promise<void>)[];
  /** Before a request is held that is signed, declined or taken back: what stands for it elsewhere is held first, and ends. */
  signingSettling: ((tx: Transaction, request: HookSigningEnd, call: Call) => Promise<void>)[];
  /** Bytes that the files of an organisation take. */
  storageBytes: ((orgId: string) => Promise<number>)[];
  /** A person asked to be forgotten: a higher module replaces their name where it keeps copies of it. */
  personErasing: ((tx: Transaction, person: { id: string; name: string }) => Promise<void>)[];
  /** What a higher module holds about a person, for their export, under a name of its own. */
  personExporting: ((userId: string) => Promise<Record<string, unknown>>)[];
}

export const createHooks = (): IdentityHooks => ({
  orgCreated: [],
  orgDeleting: [],
  teamDeleting: [],
  visibleChannels: [],
  userDisabled: [],
  agentRegistered: [],
  agentKeyChanged: [],
  agentShutOut: [],
  deviceJoining: [],
  deviceShutOut: [],
  deviceCompromised: [],
  signingRequested: [],
  signingSettling: [],
  storageBytes: [],
  personErasing: [],
  personExporting: [],
});
