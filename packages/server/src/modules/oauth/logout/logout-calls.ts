import type { Clock } from '../../../platform/clock/clock.ts';
import type { Database } from '../../../platform/db/database.ts';
import { newId } from '../../../platform/ids/ids.ts';
import { internalCall } from '../../../platform/operations/call.ts';
import { systemCaller } from '../../../platform/operations/caller.ts';
import { currentScope, inScope, RequestScope } from '../engine/request-scope.ts';
import { nilId } from '../oauth-events.ts';

/** That somebody signed out, for one client; what it is sent is made from this when it is sent. */
export interface LogoutCall {
  client_id: string;
  subject: string;
  sid: string;
}

type Arguments = LogoutCall & { id: string; attempt: number; since: number };

export const logoutJob = 'call-logout';

const firstPauseMs = 2000;
const longestPauseMs = 60 * 60_000;
/** A client that heard nothing for a day learns it when it next asks for a token. */
const patienceMs = 24 * 60 * 60_000;

const jobOf = (args: Arguments) => ({
  name: logoutJob,
  id: `oauth-logout-${args.id}-${args.attempt}`,
  args: { ...args },
});

/** In the transaction of the logout, which waits for nobody's answer. */
export const queueLogoutCall = (call: LogoutCall, clock: Clock): Promise<void> =>
  currentScope().write(async (tx) =>
    tx.enqueue(jobOf({ ...call, id: newId(), attempt: 0, since: clock.now().getTime() })),
  );

/** Tells clients that somebody signed out (OpenID Connect Back-Channel Logout), until they have heard it. */
export const createLogoutCalls = (parts: {
  database: Database;
  clock: Clock;
  public_url: () => string;
  onError: (error: unknown, what: string) => void;
  /** Makes the token and sends it; fails when the client does not take it. */
  send: (call: LogoutCall) => Promise<void>;
}) => {
  const { database, clock, onError } = parts;
  const attempt = async (call: LogoutCall): Promise<void> => {
    const scope = new RequestScope({
      database,
      call: internalCall(systemCaller({ id: nilId }), newId()),
      person: null,
      public_url: parts.public_url(),
      certificate: null,
    });
    try {
      await inScope(scope, () => parts.send(call));
    } finally {
      await scope.end(true);
    }
  };

  return {
    run: async (given: Record<string, string | number>): Promise<void> => {
      // Inputs come back from the database as they were enqueued.
      const args = given as unknown as Arguments;
      try {
        await attempt(args);
      } catch (error) {
        const now = clock.now().getTime();
        if (now - args.since > patienceMs) {
          onError(error, `client ${args.client_id} was not told of a logout for a day; no more attempts`);
          return;
        }
        onError(error, `the logout call to client ${args.client_id} failed and will be tried again`);
        const run_at = new Date(now + Math.min(firstPauseMs * 2 ** args.attempt, longestPauseMs));
        // A job of its own and not a repeat of this one: pauses of hours outlive any process.
        await database.transaction(internalCall(systemCaller({ id: nilId }), newId()), async (tx) =>
          tx.enqueue({ ...jobOf({ ...args, attempt: args.attempt + 1 }), run_at }),
        );
      }
    },
  };
};

export type LogoutCalls = ReturnType<typeof createLogoutCalls>;
