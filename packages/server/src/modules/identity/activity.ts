import type { Clock } from '../../platform/clock/clock.ts';
import type { Database } from '../../platform/db/database.ts';
import { newId } from '../../platform/ids/ids.ts';
import { internalCall } from '../../platform/operations/call.ts';
import { type Caller, systemCaller } from '../../platform/operations/caller.ts';
import { type AgentUse, activityStore } from './activity-store.ts';
import { devicesStore } from './devices-store.ts';
import { identityEvents } from './identity-events.ts';

interface Use {
  id: string;
  org_id: string;
  at: Date;
}

const longestText = 200;
/** How long a mark of a device stands before it is written anew. */
const deviceMarkMs = 60_000;
const mostRemembered = 10_000;
const sorted = <Row extends { id: string }>(rows: Iterable<Row>): Row[] =>
  // One order for all replicas, so that two flushes cannot deadlock.
  [...rows].sort((a, b) => (a.id < b.id ? -1 : 1));

/**
 * When credentials and principals were last used. Marks gather in memory and are written a few seconds later, many at
 * once: a request never waits for them, and a crash loses some seconds of them.
 */
export class Activity {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #delayMs: number;
  readonly #onError: (error: unknown) => void;
  #sessions = new Map<string, Use>();
  #keys = new Map<string, Use>();
  #members = new Map<string, Use>();
  #agents = new Map<string, AgentUse & { org_id: string }>();
  #devices = new Map<string, Use>();
  /** When the last mark of a device was written. */
  readonly #marked = new Map<string, number>();
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> = Promise.resolve();

  constructor(parts: { database: Database; clock: Clock; delay_ms?: number; onError?: (error: unknown) => void }) {
    this.#database = parts.database;
    this.#clock = parts.clock;
    this.#delayMs = parts.delay_ms ?? 3000;
    this.#onError = parts.onError ?? (() => {});
  }

  /** A credential was good for a request. Cheap: it is on the path of every one. */
  used(caller: Caller): void {
    const at = this.#clock.now();
    const { kind, id } = caller.credential;
    if (id !== null) {
      if (kind === 'session') mark(this.#sessions, id, caller.org_id, at);
      else if (kind === 'api_key') mark(this.#keys, id, caller.org_id, at);
    }
    if (caller.kind === 'user') mark(this.#members, caller.id, caller.org_id, at);
    else if (caller.credential.kind === 'access_token' && caller.kind === 'device') this.#device(caller, at);
    else this.#agent(caller, at);
    this.#schedule();
  }

  /** An agent called a tool. */
  called(caller: Caller, tool: string, client: string | null): void {
    if (caller.kind === 'user' || caller.kind === 'system') return;
    const use = this.#agent(caller, this.#clock.now());
    use.calls += 1;
    use.tool = tool.slice(0, longestText);
    use.client = client?.slice(0, longestText) ?? use.client;
    this.#schedule();
  }

  /** Writes what has gathered. Called by the timer and at shutdown. */
  flush(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#writing = this.#writing.then(() => this.#write()).catch(this.#onError);
    return this.#writing;
  }

  #agent(caller: Caller, at: Date): AgentUse {
    const known = this.#agents.get(caller.id);
    if (known !== undefined) {
      known.at = at;
      return known;
    }
    const use = { id: caller.id, org_id: caller.org_id, at, calls: 0, tool: null, client: null };
    this.#agents.set(caller.id, use);
    return use;
  }

  #device(caller: Caller, at: Date): void {
    if (at.getTime() - (this.#marked.get(caller.id) ?? 0) < deviceMarkMs) return;
    if (this.#marked.size >= mostRemembered) this.#marked.clear();
    this.#marked.set(caller.id, at.getTime());
    mark(this.#devices, caller.id, caller.org_id, at);
  }

  #schedule(): void {
    if (this.#timer !== null) return;
    this.#timer = setTimeout(() => void this.flush(), this.#delayMs);
    this.#timer.unref();
  }

  async #write(): Promise<void> {
    const [sessions, keys, members, agents] = [this.#sessions, this.#keys, this.#members, this.#agents];
    const devices = this.#devices;
    if (sessions.size + keys.size + members.size + agents.size + devices.size === 0) return;
    this.#devices = new Map();
    this.#sessions = new Map();
    this.#keys = new Map();
    this.#members = new Map();
    this.#agents = new Map();
    const call = internalCall(
      systemCaller({
        id: [...members.values(), ...agents.values(), ...sessions.values(), ...keys.values(), ...devices.values()][0]!
          .org_id,
      }),
      newId(),
    );
    await this.#database.transaction(call, async (tx) => {
      if (sessions.size > 0) await activityStore.touchSessions(tx.db, sorted(sessions.values()));
      if (keys.size > 0) await activityStore.touchKeys(tx.db, sorted(keys.values()));
      if (members.size > 0) await activityStore.touchMembers(tx.db, sorted(members.values()));
      if (devices.size > 0) await devicesStore.touch(tx.db, sorted(devices.values()));
      if (agents.size === 0) return;
      for (const agent of await activityStore.touchAgents(tx.db, sorted(agents.values()))) {
        tx.emit({
          kind: identityEvents.agentUpdated,
          id: agent.id,
          org_id: agent.org_id,
          body: { change: 'first_seen', name: agent.name },
        });
      }
    });
  }
}

const mark = (marks: Map<string, Use>, id: string, orgId: string, at: Date): void => {
  const key = `${orgId}${id}`;
  const known = marks.get(key);
  if (known === undefined) marks.set(key, { id, org_id: orgId, at });
  else known.at = at;
};
