import { Cron } from 'croner';
import ipaddr from 'ipaddr.js';
import { Secret } from './secret.ts';

/** Text that cannot become a value of the wanted type; `problem` completes "KEY …". */
export class Refusal {
  readonly problem: string;
  constructor(problem: string) {
    this.problem = problem;
  }
}

/** Turns one raw value (a text of the environment, or a scalar or list of YAML) into a typed one. */
export interface ValueType<T> {
  /** Shown in the generated reference. */
  label: string;
  parse(raw: unknown): T | Refusal;
}

/** An allowed address range, as ipaddr.js matches it. */
export interface AddressRange {
  cidr: string;
  address: ipaddr.IPv4 | ipaddr.IPv6;
  bits: number;
}

/** At most `max` acts in each window. */
export interface Rate {
  max: number;
  windowMs: number;
}

const scalar = (raw: unknown): string | Refusal => {
  if (typeof raw === 'string') return raw.trim();
  if (typeof raw === 'number' || typeof raw === 'boolean' || typeof raw === 'bigint') return String(raw);
  return new Refusal('must be a single value, not a list or a group of keys');
};

const fromText = <T>(label: string, parse: (text: string) => T | Refusal): ValueType<T> => ({
  label,
  parse: (raw) => {
    const value = scalar(raw);
    return value instanceof Refusal ? value : parse(value);
  },
});

export const text: ValueType<string> = fromText('text', (value) => value);

/** What is put before other text, hence with its spaces; since an empty variable is none, `none` stands for no text at all. */
export const prefix: ValueType<string> = {
  label: 'text with its spaces, or none',
  parse: (raw) => {
    if (typeof raw !== 'string') return new Refusal('must be a text');
    return raw.trim() === 'none' ? '' : raw;
  },
};

/** Lower case, as Node tells headers. */
export const headerName: ValueType<string> = fromText('header name', (value) =>
  /^[a-z0-9-]{1,60}$/i.test(value) ? value.toLowerCase() : new Refusal('must be the name of a header'),
);

export const integer = (least: number, most: number): ValueType<number> =>
  fromText(`whole number, ${least} to ${most}`, (value) => {
    const number = Number(value);
    const fits = /^\d+$/.test(value) && number >= least && number <= most;
    return fits ? number : new Refusal(`must be a whole number from ${least} to ${most}`);
  });

export const fraction: ValueType<number> = fromText('number from 0 to 1', (value) => {
  const number = Number(value);
  const fits = /^\d*\.?\d+$/.test(value) && number >= 0 && number <= 1;
  return fits ? number : new Refusal('must be a number from 0 to 1');
});

export const boolean: ValueType<boolean> = fromText('true or false', (value) => {
  const word = value.toLowerCase();
  if (['true', 'on', 'yes', '1'].includes(word)) return true;
  if (['false', 'off', 'no', '0'].includes(word)) return false;
  return new Refusal('must be true or false');
});

export const choice = <const C extends readonly string[]>(choices: C): ValueType<C[number]> =>
  fromText(choices.join(', '), (value) =>
    choices.includes(value) ? value : new Refusal(`must be one of ${choices.join(', ')}`),
  );

const urlWith = (protocols: readonly string[], value: string): URL | Refusal => {
  const url = URL.canParse(value) ? new URL(value) : null;
  const fits = url !== null && protocols.includes(url.protocol);
  return fits ? url : new Refusal(`must be a URL that begins with ${protocols.map((p) => `${p}//`).join(' or ')}`);
};

/** Scheme, host and port, without a path; the trailing slash is dropped. */
export const origin: ValueType<string> = fromText('origin', (value) => {
  const url = urlWith(['http:', 'https:'], value);
  if (url instanceof Refusal) return url;
  if (url.username !== '' || url.password !== '') return new Refusal('must not contain a user name or password');
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    return new Refusal('must be an origin: scheme, host and port without a path');
  }
  return url.origin;
});

/** A place to listen at; '' for the host that everything listens at. */
export interface ListenAddress {
  host: string;
  port: number;
}

/** `0.0.0.0:80`, `[::]:80` or `:80`. */
export const listenAddress: ValueType<ListenAddress> = fromText('host:port', (value) => {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s]*)):(\d{1,5})$/.exec(value) ?? [];
  const port = Number(digits);
  return digits !== undefined && port <= 65_535
    ? { host: bracketed ?? plain ?? '', port }
    : new Refusal('must be a host and a port, or a colon and a port');
});

export const httpUrl: ValueType<string> = fromText('URL', (value) => {
  const url = urlWith(['http:', 'https:'], value);
  return url instanceof Refusal ? url : value;
});

/** Address of a container engine. */
export const engineEndpoint: ValueType<string> = fromText('unix://, tcp:// or https:// address', (value) => {
  if (/^(unix|npipe):\/\/\S+$/.test(value)) return value;
  const url = urlWith(['tcp:', 'http:', 'https:'], value);
  if (url instanceof Refusal) return new Refusal('must begin with unix://, tcp:// or https://');
  return url.username === '' && url.password === '' ? value : new Refusal('must not contain a user name or password');
});

/** `_http._tcp`. */
export const serviceType: ValueType<string> = fromText('kind of service', (value) =>
  /^_[a-z0-9-]{1,40}\._(tcp|udp)$/i.test(value)
    ? value.toLowerCase()
    : new Refusal('must be a kind of service such as _http._tcp'),
);

export const secretText = (least: number): ValueType<Secret> =>
  fromText('secret', (value) =>
    value.length >= least ? new Secret(value) : new Refusal(`must have at least ${least} characters`),
  );

export const secretUrl = (protocols: readonly string[]): ValueType<Secret> =>
  fromText('URL, secret', (value) => {
    const url = urlWith(protocols, value);
    return url instanceof Refusal ? url : new Secret(value);
  });

/** Base64 of 32 bytes, current key first; earlier keys may follow after commas and are used to decrypt only. */
export const masterKeys: ValueType<Secret> = fromText('base64 of 32 bytes, secret', (value) => {
  const fits = value.split(',').every((part) => /^[A-Za-z0-9+/_-]{43}=?$/.test(part.trim()));
  return fits ? new Secret(value) : new Refusal('must be 32 bytes in base64 (44 characters)');
});

const sizeUnits: Record<string, number> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
};

export const bytes: ValueType<number> = fromText('size', (value) => {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(value);
  const unit = sizeUnits[(match?.[2] ?? '').toLowerCase()];
  const size = Math.floor(Number(match?.[1]) * (unit ?? Number.NaN));
  return Number.isSafeInteger(size) && size > 0
    ? size
    : new Refusal('must be a size above zero in bytes, KB, MB, GB, KiB, MiB or GiB');
});

/** A size between two others, which are told in MiB. */
export const bytesWithin = (least_mib: number, most_mib: number): ValueType<number> => ({
  label: `size, ${least_mib}MiB to ${most_mib}MiB`,
  parse: (raw) => {
    const size = bytes.parse(raw);
    if (size instanceof Refusal) return size;
    const fits = size >= least_mib * 2 ** 20 && size <= most_mib * 2 ** 20;
    return fits ? size : new Refusal(`must be a size from ${least_mib}MiB to ${most_mib}MiB`);
  },
});

const durationUnits: Record<string, number> = { ms: 1, s: 1e3, m: 60e3, min: 60e3, h: 3600e3, d: 86400e3 };

const milliseconds = (value: string): number | null => {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|min|m|h|d)$/.exec(value);
  if (match === null) return null;
  const result = Number(match[1]) * durationUnits[match[2]!]!;
  return Number.isSafeInteger(Math.round(result)) && result >= 1 ? Math.round(result) : null;
};

/** Milliseconds. */
export const duration: ValueType<number> = fromText(
  'duration',
  (value) => milliseconds(value) ?? new Refusal('must be a duration above zero with its unit: ms, s, m, h or d'),
);

/** Milliseconds; `0` for none. */
export const durationOrNone: ValueType<number> = fromText('duration, or 0 for none', (value) =>
  value === '0' ? 0 : (milliseconds(value) ?? new Refusal('must be 0 or a duration with its unit: ms, s, m, h or d')),
);

const leastEveryMs = 5 * 60_000;
const mostEveryMs = 31 * 86_400_000;

/** A time between two runs, or a cron line. */
export const schedule: ValueType<{ every_s: number } | { cron: string }> = fromText(
  'duration or cron line',
  (value) => {
    if (/\s/.test(value)) {
      try {
        if (new Cron(value, { mode: '5-part', paused: true }).nextRun() !== null) return { cron: value };
      } catch {
        // Told below, without the words of the library.
      }
      return new Refusal('must be a cron line of five fields that comes, or a duration such as 24h');
    }
    const ms = milliseconds(value);
    const fits = ms !== null && ms >= leastEveryMs && ms <= mostEveryMs;
    return fits
      ? { every_s: Math.round(ms / 1000) }
      : new Refusal('must be a duration between five minutes and 31 days, or a cron line of five fields');
  },
);

/** Lower case, without a dot at the end. */
export const hostName: ValueType<string> = fromText('host name', (value) => {
  const name = value.toLowerCase().replace(/\.$/, '');
  const fits = name.length <= 200 && name.split('.').every((part) => /^(?!-)[a-z0-9-]{1,63}(?<!-)$/.test(part));
  return fits ? name : new Refusal('must be a host name without scheme and port');
});

/** `300` counts within `windowMs`; `20/15m` brings its own window. */
export const rate = (windowMs: number): ValueType<Rate> =>
  fromText('rate', (value) => {
    const match = /^(\d+)(?:\s*\/\s*(.+))?$/.exec(value);
    const max = Number(match?.[1]);
    const given = match?.[2];
    const window = given === undefined ? windowMs : milliseconds(/^\d/.test(given) ? given : `1${given}`);
    const fits = match !== null && max > 0 && Number.isSafeInteger(max) && window !== null;
    return fits ? { max, windowMs: window } : new Refusal('must be a number above zero, or a number and its window');
  });

/** A document on the web that is asked for at an interval. */
export interface WatchedUrl {
  url: string;
  intervalMs: number;
  trust: boolean;
}

/** A URL, or `{url, interval, trust}`. */
export const watchedUrl: ValueType<WatchedUrl> = {
  label: 'URL, or url, interval and trust',
  parse: (raw) => {
    const group =
      typeof raw === 'object' && raw !== null && !Array.isArray(raw) ? (raw as Record<string, unknown>) : null;
    const known = ['url', 'interval', 'trust'];
    const stray = Object.keys(group ?? {}).find((key) => !known.includes(key));
    if (stray !== undefined) return new Refusal(`must not have the key ${stray}`);
    const url = httpUrl.parse(group === null ? raw : (group['url'] ?? ''));
    if (url instanceof Refusal) return url;
    const intervalMs = duration.parse(group?.['interval'] ?? '60s');
    if (intervalMs instanceof Refusal) return intervalMs;
    if (intervalMs < 1000) return new Refusal('must have an interval of a second at least');
    const trust = boolean.parse(group?.['trust'] ?? 'false');
    return trust instanceof Refusal ? trust : { url, intervalMs, trust };
  },
};

const entries = (raw: unknown): unknown[] | Refusal => {
  if (Array.isArray(raw)) return raw;
  const value = scalar(raw);
  if (value instanceof Refusal) return new Refusal('must be a list');
  return value.split(',').filter((entry) => entry.trim() !== '');
};

/** A YAML list, or a text with commas. */
export const list = <T>(entry: ValueType<T>): ValueType<T[]> => ({
  label: `list of ${entry.label}`,
  parse: (raw) => {
    const raws = entries(raw);
    if (raws instanceof Refusal) return raws;
    const values: T[] = [];
    for (const [index, one] of raws.entries()) {
      const value = entry.parse(one);
      if (value instanceof Refusal) return new Refusal(`entry ${index + 1} ${value.problem}`);
      values.push(value);
    }
    return values;
  },
});

/** SHA-256 of a certificate's public key (SPKI), as RFC 7469 writes it. */
export const certificatePin: ValueType<string> = fromText('certificate pin', (value) =>
  /^sha256\/[A-Za-z0-9+/]{43}=$/.test(value)
    ? value
    : new Refusal('must be sha256/ and the base64 of the hash of a public key'),
);

/** A token with which several devices may join; only its hash is written down. */
export interface EnrolmentToken {
  name: string;
  /** Hex. */
  sha256: string;
  /** Address of the person whose devices they become. */
  owner: string;
  scopes: string[];
  maxUses: number;
  expiresAt: Date;
}

const enrolmentMembers = ['name', 'sha256', 'owner', 'scopes', 'max_uses', 'expires_at'];

const enrolmentToken = (raw: unknown): EnrolmentToken | Refusal => {
  if (raw === null || typeof raw !== 'object' || Array.isArray(raw)) return new Refusal('must be a group of keys');
  const given = raw as Record<string, unknown>;
  const strange = Object.keys(given).find((name) => !enrolmentMembers.includes(name));
  if (strange !== undefined) return new Refusal(`has the unknown key ${strange}`);
  const { name, sha256, owner, scopes, max_uses: maxUses } = given;
  // YAML reads a time without quotes as a date.
  const expiresAt = new Date(given['expires_at'] instanceof Date ? given['expires_at'] : String(given['expires_at']));
  if (typeof name !== 'string' || !/^[^\p{Cc}]{1,100}$/u.test(name)) return new Refusal('needs a name');
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256))
    return new Refusal('needs sha256: the hash of the token in 64 small hex digits');
  if (typeof owner !== 'string' || !owner.includes('@'))
    return new Refusal('needs owner: the e-mail address of a person');
  if (!Array.isArray(scopes) || scopes.length === 0 || !scopes.every((scope) => typeof scope === 'string'))
    return new Refusal('needs scopes: a list');
  if (typeof maxUses !== 'number' || !Number.isInteger(maxUses) || maxUses < 1)
    return new Refusal('needs max_uses: how many devices may join with it');
  if (Number.isNaN(expiresAt.getTime())) return new Refusal('needs expires_at: a time such as 2027-01-31T12:00:00Z');
  return { name, sha256, owner, scopes: scopes as string[], maxUses, expiresAt };
};

/** A YAML list of groups, or the same as JSON. */
export const enrolmentTokens: ValueType<EnrolmentToken[]> = {
  label: 'list of enrolment tokens',
  parse: (raw) => {
    let entries = raw;
    if (typeof raw === 'string') {
      try {
        entries = raw.trim() === '' ? [] : JSON.parse(raw);
      } catch {
        return new Refusal('must be a list of groups, as JSON');
      }
    }
    if (!Array.isArray(entries)) return new Refusal('must be a list of groups');
    const tokens: EnrolmentToken[] = [];
    for (const [index, entry] of entries.entries()) {
      const token = enrolmentToken(entry);
      if (token instanceof Refusal) return new Refusal(`entry ${index + 1} ${token.problem}`);
      tokens.push(token);
    }
    return tokens;
  },
};

/** `10.0.0.0/8`, or one address. */
export const addressRange: ValueType<AddressRange> = fromText('address or CIDR range', (value) => {
  const refusal = new Refusal('must be an IP address or a CIDR range');
  try {
    const [address, bits] = value.includes('/')
      ? ipaddr.parseCIDR(value)
      : [ipaddr.parse(value), ipaddr.parse(value).kind() === 'ipv4' ? 32 : 128];
    // ipaddr.js also reads the shorthand forms of inet_aton ("10.1"), which nobody means here.
    if (address.kind() === 'ipv4' && value.split('.').length !== 4) return refusal;
    return { cidr: value, address, bits };
  } catch {
    return refusal;
  }
});
