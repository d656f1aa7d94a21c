import type { Clock } from '../../../platform/clock/clock.ts';
import type { Database } from '../../../platform/db/database.ts';
import { newId } from '../../../platform/ids/ids.ts';
import { attemptsOf, firstAttempt, type PatientJob } from '../../../platform/jobs/patient-job.ts';
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

export const logoutJob = 'call-logout';

/** A client that heard nothing for a day learns it when it next asks for a token. */
const job: PatientJob = { name: logoutJob, prefix: 'oauth-logout', patience_ms: 24 * 60 * 60_000 };

/** In the transaction of the logout, which waits for nobody's answer. */
export const queueLogoutCall = (call: LogoutCall, clock: Clock): Promise<void> =>
  currentScope().write(async (tx) => tx.enqueue(firstAttempt(job, { ...call }, clock)));

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
    run: attemptsOf(job, {
      ...{ database, clock, onError },
      act: (args) => attempt(args as unknown as LogoutCall),
      words: ({ client_id }) => `the logout call to client ${client_id}`,
    }),
  };
};

export type LogoutCalls = ReturnType<typeof createLogoutCalls>;
