import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hash, type Options, parseOptions, verify } from '@node-rs/argon2';
import { AppError, invalid } from '../../platform/errors/app-error.ts';

/** Cost of one hashing. The default is what users get; tests of other things take a cheap one. */
export interface PasswordCost {
  memory_kib: number;
  passes: number;
  lanes: number;
}

export const defaultPasswordCost: PasswordCost = { memory_kib: 64 * 1024, passes: 3, lanes: 4 };

export interface Passwords {
  /** Refuses what many people choose, and the address itself, with 422 at `path`. */
  check(path: string, password: string, email: string): void;
  hash(password: string): Promise<string>;
  /** False for a null hash as well, after the same work: an unknown account answers no sooner than a wrong password. */
  verify(phc: string | null, password: string): Promise<boolean>;
  /** True when the hash was made with other parameters than today's. */
  outdated(phc: string): boolean;
}

// Passwords of ten characters and more from the lists of zxcvbn and @zxcvbn-ts/language-common (both MIT).
const common: ReadonlySet<string> = new Set(
  readFileSync(new URL('./common-passwords.txt', import.meta.url), 'utf8')
    .trimEnd()
    .split('\n'),
);

/** The same password typed on two systems may arrive as different code points (RFC 8265 takes NFC; NFKC also folds width). */
const normalized = (password: string): string => password.normalize('NFKC');

export const isCommonPassword = (password: string): boolean => common.has(normalized(password).toLowerCase());

/**
 * Hashing runs in libuv's pool of four threads, which files and name look-ups share. The specification allows four at
 * once; three leave a thread to the rest of the server.
 */
const atOnce = 3;
const longestQueue = 200;

const createGate = () => {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async <T>(act: () => Promise<T>): Promise<T> => {
    if (running >= atOnce) {
      if (waiting.length >= longestQueue)
        throw new AppError('rate_limited', 'Too many sign-ins at once; try again.', { extensions: { retry_after: 5 } });
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else running += 1;
    try {
      return await act();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
};

/** Argon2id behind a gate. */
export const createPasswords = (cost: PasswordCost = defaultPasswordCost): Passwords => {
  const gate = createGate();
  // 2 is Argon2id and 0x13 the version; the package's const enums do not exist once types are stripped.
  const options: Options = {
    algorithm: 2,
    memoryCost: cost.memory_kib,
    timeCost: cost.passes,
    parallelism: cost.lanes,
  };
  let decoy: Promise<string> | null = null;
  return {
    check: (path, password, email) => {
      const plain = normalized(password).toLowerCase();
      if (plain === email.toLowerCase()) throw invalid(path, 'must not be the e-mail address');
      if (isCommonPassword(password))
        throw invalid(path, 'is one of the passwords that are guessed first; choose another');
    },
    hash: (password) => gate(() => hash(normalized(password), options)),
    verify: async (phc, password) => {
      decoy ??= hash(randomBytes(16), options);
      const against = phc ?? (await decoy);
      const matches = await gate(() => verify(against, normalized(password)));
      return matches && phc !== null;
    },
    outdated: (phc) => {
      const made = parseOptions(phc);
      return (
        made.algorithm !== 2 ||
        made.memoryCost !== cost.memory_kib ||
        made.timeCost !== cost.passes ||
        made.parallelism !== cost.lanes
      );
    },
  };
};
