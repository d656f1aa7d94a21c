import { mayBeSet } from '../gate/header-rules.ts';

const [pass, drop, setCookie, sharedOnly, connection] = [0, 1, 2, 3, 4] as const;
type Treatment = typeof pass | typeof drop | typeof setCookie | typeof sharedOnly | typeof connection;

const treatments: Readonly<Record<string, Treatment>> = {
  connection,
  'keep-alive': drop,
  'proxy-authenticate': drop,
  'proxy-connection': drop,
  'transfer-encoding': drop,
  te: drop,
  upgrade: drop,
  // Our mark for answers of our own.
  'atrium-error': drop,
  'set-cookie': setCookie,
  'service-worker-allowed': sharedOnly,
  'clear-site-data': sharedOnly,
  'strict-transport-security': sharedOnly,
  'alt-svc': sharedOnly,
};

const seen = new Map<string, Treatment>();

const treatmentOf = (name: string): Treatment => {
  const known = seen.get(name);
  if (known !== undefined) return known;
  const lower = name.toLowerCase();
  const treatment = lower.startsWith('x-atrium-') ? drop : (treatments[lower] ?? pass);
  if (seen.size < 2000) seen.set(name, treatment);
  return treatment;
};

const textOf = (bytes: Buffer | string): string => (typeof bytes === 'string' ? bytes : bytes.toString('latin1'));

const hostOfOrigin = (origin: string): string => (URL.canParse(origin) ? new URL(origin).hostname : '');

const named = (value: string): string[] =>
  value
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== 'close' && name !== 'keep-alive' && name !== '');

/**
 * What of an app's head goes to the client: nothing of the single connection, no cookie that could pass for one of
 * this server, and at the shared origin nothing that speaks for the origin as a whole.
 */
export const responseHeaders = (
  raw: readonly (Buffer | string)[],
  { sharedOrigin, origin }: { sharedOrigin: boolean; origin: string },
): string[] => {
  let dashboard: string | null = null;
  const headers: string[] = [];
  let gone: string[] | null = null;
  for (let at = 0; at < raw.length; at += 2) {
    const name = textOf(raw[at]!);
    const value = textOf(raw[at + 1]!);
    const treatment = treatmentOf(name);
    if (treatment === pass || (treatment === sharedOnly && !sharedOrigin)) headers.push(name, value);
    else if (treatment === setCookie) {
      dashboard ??= sharedOrigin ? '' : hostOfOrigin(origin);
      if (mayBeSet(value, dashboard)) headers.push(name, value);
    } else if (treatment === connection) gone = named(value);
  }
  if (gone === null || gone.length === 0) return headers;
  const left: string[] = [];
  for (let at = 0; at < headers.length; at += 2)
    if (!gone.includes(headers[at]!.toLowerCase()) || /^(?:content-length|set-cookie)$/i.test(headers[at]!))
      left.push(headers[at]!, headers[at + 1]!);
  return left;
};

export const headerOf = (headers: readonly string[], name: string): string | null => {
  for (let at = 0; at < headers.length; at += 2)
    if (headers[at]!.length === name.length && headers[at]!.toLowerCase() === name) return headers[at + 1]!;
  return null;
};
