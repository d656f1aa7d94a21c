/* Small languages inside of Compose files. Each answers null for what it cannot read. */

const units: Readonly<Record<string, number>> = { us: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** `1m30s` as nanoseconds, as the engine counts. */
export const nanosecondsOf = (text: string): number | null => {
  const trimmed = text.trim();
  if (trimmed === '0') return 0;
  if (!/^(\d+(\.\d+)?(us|ms|s|m|h))+$/.test(trimmed)) return null;
  let sum = 0;
  for (const [, amount, , unit] of trimmed.matchAll(/(\d+(\.\d+)?)(us|ms|s|m|h)/g))
    sum += Number(amount) * units[unit!]!;
  return Math.round(sum);
};

/** `512m` as bytes. */
export const bytesOf = (text: string): number | null => {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(text.trim()) ?? [];
  if (amount === undefined) return null;
  return Math.round(Number(amount) * 1024 ** ['', 'k', 'm', 'g', 't'].indexOf(unit!.toLowerCase()));
};

/** A command line as its words, by the rules of a shell without variables. */
export const wordsOf = (line: string): string[] | null => {
  const words: string[] = [];
  let word: string | null = null;
  let quote: '"' | "'" | null = null;
  for (let i = 0; i < line.length; i++) {
    const c = line[i]!;
    if (quote === "'") {
      if (c === "'") quote = null;
      else word += c;
    } else if (c === '\\' && (quote === null || '"\\$`'.includes(line[i + 1] ?? ''))) {
      i += 1;
      if (i >= line.length) return null;
      word = (word ?? '') + line[i]!;
    } else if (quote === '"') {
      if (c === '"') quote = null;
      else word += c;
    } else if (c === '"' || c === "'") {
      quote = c;
      word ??= '';
    } else if (/\s/.test(c)) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? '') + c;
  }
  if (quote !== null) return null;
  if (word !== null) words.push(word);
  return words;
};

export interface PortWanted {
  container_port: number;
  /** Null: a free one is taken. */
  host_port: number | null;
  protocol: 'tcp' | 'udp';
}

const portNumber = (text: string): number | null =>
  /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535 ? Number(text) : null;

const rangeOf = (text: string): [number, number] | null => {
  const [first, last = first, ...rest] = text.split('-');
  const [from, to] = [portNumber(first!), portNumber(last!)];
  return rest.length > 0 || from === null || to === null || to < from || to - from > 100 ? null : [from, to];
};

/** `8080:80`, `127.0.0.1:8080:80/udp`, `80`, `3000-3005:3000-3005`. An address is read and left out: it is always loopback. */
export const portsOf = (text: string): PortWanted[] | null => {
  const [whole, protocol = 'tcp', ...more] = text.trim().split('/');
  if (more.length > 0 || (protocol !== 'tcp' && protocol !== 'udp')) return null;
  const bracketed = /^\[[0-9a-fA-F:.]*\]:(.*)$/.exec(whole!);
  const pieces = (bracketed === null ? whole! : `:${bracketed[1]}`).split(':');
  if (pieces.length > 3) return null;
  const inner = rangeOf(pieces.at(-1)!);
  const outerText = pieces.length > 1 ? pieces.at(-2)! : '';
  const outer = outerText === '' ? null : rangeOf(outerText);
  if (inner === null || (outerText !== '' && outer === null)) return null;
  if (outer !== null && outer[1] - outer[0] !== inner[1] - inner[0]) return null;
  return Array.from({ length: inner[1] - inner[0] + 1 }, (_, i) => ({
    container_port: inner[0] + i,
    host_port: outer === null ? null : outer[0] + i,
    protocol,
  }));
};

/** A port that is exposed to other containers alone: `8080`, `8080/udp`, `3000-3005`. */
export const exposedOf = (text: string): string[] | null => {
  const found = text.includes(':') ? null : portsOf(text);
  return found?.map(({ container_port, protocol }) => `${container_port}/${protocol}`) ?? null;
};

export interface MountWanted {
  kind: 'volume' | 'bind' | 'anonymous';
  /** Name of the volume, or the path. */
  source: string;
  target: string;
  read_only: boolean;
}

/** `data:/var/lib`, `./conf:/etc/app:ro`, `/var/lib`. */
export const mountOf = (text: string): MountWanted | null => {
  const [first, second, mode = 'rw', ...more] = text.split(':');
  if (more.length > 0 || first === undefined || first === '') return null;
  if (second === undefined)
    return first.startsWith('/') ? { kind: 'anonymous', source: '', target: first, read_only: false } : null;
  const options = mode.split(',');
  if (!second.startsWith('/') || !options.every((one) => ['rw', 'ro', 'z', 'Z', 'cached', 'delegated'].includes(one)))
    return null;
  return {
    kind: /^[./~]/.test(first) ? 'bind' : 'volume',
    source: first,
    target: second,
    read_only: options.includes('ro'),
  };
};

/** `/dev/ttyUSB0:/dev/ttyACM0:rwm`. */
export const deviceOf = (text: string): { from: string; to: string; rights: string } | null => {
  const [from, to = from, rights = 'rwm', ...more] = text.split(':');
  if (more.length > 0 || !from?.startsWith('/') || !to?.startsWith('/') || !/^[rwm]{1,3}$/.test(rights)) return null;
  return { from, to, rights };
};
