import type { JWTPayload } from 'jose';
import type { Clock } from '../../../platform/clock/clock.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { Db } from '../stores/db.ts';
import { type TransactionRow, transactionsStore } from '../stores/transactions-store.ts';
import type { RevocationSet } from './revocation-set.ts';
import { signServerJwt, verifyServerJwt } from './server-jwt.ts';

const typ = 'txntoken+jwt';
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What a token says of the call chain it belongs to. */
export interface TransactionClaims extends JWTPayload {
  txn: string;
  sub: string;
  scope: string;
  /** The service that asked for this very token. */
  req_wl: string;
  /** What the chain is about; what one service said of it stays. */
  tctx?: Record<string, unknown>;
  /** Where the first request came from. */
  rctx?: Record<string, unknown>;
}

export interface LiveTransaction {
  claims: TransactionClaims & { iat: number; exp: number };
  row: TransactionRow;
}

/** Tokens for one chain of internal calls: good for the trust domain alone, and never at a door of this server. */
export const createTransactions = (parts: {
  keys: KeyRing;
  clock: Clock;
  revocations: RevocationSet;
  issuer: () => string;
  trust_domain: string;
}) => {
  const { keys, clock, revocations, issuer, trust_domain } = parts;
  return {
    trust_domain,
    sign: (claims: TransactionClaims): Promise<string> =>
      signServerJwt(keys, typ, { iss: issuer(), aud: trust_domain, ...claims }),

    /** Null as soon as what the chain began with has ended. */
    verify: async (token: string, db: Db): Promise<LiveTransaction | null> => {
      const now = clock.now();
      const expected = { types: [typ], issuer: issuer(), audience: trust_domain, now };
      const claims = (await verifyServerJwt(keys, token, expected)) as LiveTransaction['claims'] | null;
      if (claims === null || !uuid.test(String(claims.txn))) return null;
      const row = await transactionsStore.find(db, claims.txn, now);
      if (row === null) return null;
      const { client_id, subject, grant_id, created_at } = row;
      const ended = await revocations.revoked({
        ...{ jti: claims.txn, client_id, subject, grant_id, issued_at: created_at },
      });
      return ended ? null : { claims, row };
    },
  };
};

export type Transactions = ReturnType<typeof createTransactions>;
