import { promisify } from 'node:util';
import { deflate } from 'node:zlib';
import type { Clock } from '../../../platform/clock/clock.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { accessTokensStore } from '../stores/access-tokens-store.ts';
import type { Db } from '../stores/db.ts';
import type { RevocationSet } from './revocation-set.ts';
import { signServerJwt } from './server-jwt.ts';

/** Tokens of one list: 16 KiB of bits. */
const size = 2 ** 17;
/** Odd, so that it maps the places of a list onto each other: neighbours in time are none in the list. */
const stride = 74_565;
/** Seconds for which readers may keep a list, and this process too. */
const ttl_s = 30;
const mostKept = 20;

const compress = promisify(deflate);

export interface StatusClaim {
  status_list: { idx: number; uri: string };
}

const placeOf = (position: number): { list: number; idx: number } => ({
  list: Math.floor(position / size),
  idx: ((position % size) * stride) % size,
});

/** Which of the tokens given out are no longer good, for those who check tokens without asking about each. */
export const createStatusLists = (parts: {
  keys: KeyRing;
  clock: Clock;
  db: Db;
  issuer: () => string;
  revocations: Pick<RevocationSet, 'changes'>;
}) => {
  const { keys, clock, db, issuer, revocations } = parts;
  const kept = new Map<number, { text: Promise<string>; until: number; issuer: string; changes: number }>();
  const uriOf = (list: number): string => `${issuer()}/oauth/status-lists/${list}`;

  const make = async (list: number): Promise<string> => {
    const first = list * size;
    const bits = Buffer.alloc(size / 8);
    for (const position of await accessTokensStore.revokedBetween(db, first, first + size - 1)) {
      const { idx } = placeOf(position);
      bits[idx >> 3]! |= 1 << (idx & 7);
    }
    const lst = (await compress(bits, { level: 9 })).toString('base64url');
    const iat = Math.floor(clock.now().getTime() / 1000);
    return await signServerJwt(keys, 'statuslist+jwt', {
      ...{ iss: issuer(), sub: uriOf(list), iat, exp: iat + 24 * 3600, ttl: ttl_s },
      status_list: { bits: 1, lst },
    });
  };

  return {
    ttl_s,
    /** The place of a token that is about to be given out. */
    claim: async (at: Db): Promise<{ position: number; status: StatusClaim }> => {
      const position = await accessTokensStore.nextStatusPosition(at);
      const { list, idx } = placeOf(position);
      return { position, status: { status_list: { idx, uri: uriOf(list) } } };
    },
    /** Null for a list that no token is on yet. */
    read: async (list: number): Promise<string | null> => {
      const now = clock.now().getTime();
      const known = kept.get(list);
      const { changes } = revocations;
      const stands = known?.issuer === issuer() && known.changes === changes && known.until > now;
      if (stands) return await known.text;
      if (list * size > (await accessTokensStore.lastStatusPosition(db))) return null;
      const text = make(list);
      text.catch(() => kept.delete(list));
      kept.delete(list);
      kept.set(list, { text, until: now + ttl_s * 1000, issuer: issuer(), changes });
      if (kept.size > mostKept) kept.delete(kept.keys().next().value!);
      return await text;
    },
  };
};

export type StatusLists = ReturnType<typeof createStatusLists>;
