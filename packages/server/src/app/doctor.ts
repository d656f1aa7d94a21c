import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { runningCluster } from '../platform/backup/running-cluster.ts';
import type { ConfigResult, ConfigValues } from '../platform/config/config.ts';
import { createClient } from '../platform/db/pool.ts';
import { versionProblem } from '../platform/db/server-version.ts';
import { StartupError } from '../platform/errors/startup-error.ts';
import { isLoopback } from '../platform/http/trusted-proxies.ts';
import { readFiles } from '../platform/tls/certificate-files.ts';
import { covers } from '../platform/tls/certificate-pair.ts';

/** One line of `atrium doctor`. `text` says what was seen and, unless it is fine, what to do. */
export interface Finding {
  status: 'ok' | 'warn' | 'fail';
  check: string;
  text: string;
}

const found = (status: Finding['status'], check: string, text: string): Finding => ({ status, check, text });

const gib = 2 ** 30;
const needed = gib / 4;
const comfortable = 2 * gib;

const nearest = (path: string): string => (existsSync(path) ? path : nearest(dirname(path)));

const checkDataDir = (dataDir: string): Finding[] => {
  const path = resolve(dataDir);
  const place = nearest(path);
  try {
    accessSync(place, constants.W_OK | constants.X_OK);
  } catch {
    return [
      found(
        'fail',
        'data',
        `${place} cannot be written by this user. Start Atrium as its owner, or set ATRIUM_DATA_DIR.`,
      ),
    ];
  }
  const key = join(path, 'master.key');
  const findings = [
    found('ok', 'data', place === path ? `${path} can be written` : `${path} will be made at the first start`),
  ];
  if (process.platform !== 'win32' && existsSync(key) && (statSync(key).mode & 0o077) !== 0)
    findings.push(found('fail', 'key', `${key} can be read by others. Run: chmod 600 ${key}`));
  const { bavail, bsize } = statfsSync(place);
  const free = bavail * bsize;
  const amount = `${(free / gib).toFixed(1)} GiB free where ${place} lies`;
  if (free < needed) findings.push(found('fail', 'disk', `${amount}. Make room: a full disk stops every write.`));
  else
    findings.push(
      found(free < comfortable ? 'warn' : 'ok', 'disk', free < comfortable ? `${amount}. Make room soon.` : amount),
    );
  return findings;
};

const checkDatabaseAt = async (url: string, place: string): Promise<Finding> => {
  const client = createClient(url, 'atrium-doctor');
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ number: string; version: string; encoding: string }>(
      `select current_setting('server_version_num') as number, current_setting('server_version') as version,
         current_setting('server_encoding') as encoding`,
    );
    const { number, version, encoding } = rows[0]!;
    const problem = versionProblem(Number(number));
    if (problem !== null) return found('fail', 'database', problem);
    if (encoding !== 'UTF8') return found('fail', 'database', `${place} is encoded in ${encoding}; Atrium needs UTF8.`);
    return found('ok', 'database', `PostgreSQL ${version}, ${place}`);
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
    return found(
      'fail',
      'database',
      `${place} cannot be reached (${reason}). Check address, password and that it runs.`,
    );
  } finally {
    await client.end().catch(() => {});
  }
};

const checkDatabase = async ({ config, secrets }: ConfigValues): Promise<Finding> => {
  if (secrets.databaseUrl !== null) return checkDatabaseAt(secrets.databaseUrl.reveal(), 'the server of DATABASE_URL');
  const { dataDir } = config.server;
  try {
    const running = runningCluster(dataDir);
    if (running !== null) return await checkDatabaseAt(running, 'built in and running');
  } catch (error) {
    return found(
      'warn',
      'database',
      `The built-in database of ${resolve(dataDir)} cannot be looked at: ${(error as Error).message}`,
    );
  }
  return existsSync(join(dataDir, 'postgres'))
    ? found('ok', 'database', 'built in; it runs while the server runs')
    : found('ok', 'database', 'built in; it is made at the first start');
};

const checkPort = ({ config }: ConfigValues): Promise<Finding> => {
  const { host, port } = config.server;
  if (port === 0) return Promise.resolve(found('ok', 'port', 'any free port'));
  return new Promise((done) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE')
        done(found('warn', 'port', `${host}:${port} is in use: by the running server, or else set ATRIUM_PORT.`));
      else
        done(
          found('fail', 'port', `${host}:${port} cannot be opened (${error.code}). Set ATRIUM_HOST or ATRIUM_PORT.`),
        );
    });
    server.listen(port, host, () => server.close(() => done(found('ok', 'port', `${host}:${port} is free`))));
  });
};

const dayMs = 86_400_000;
/** Renewal should have come by then. */
const soonDays = 14;

/** The files are sound, or the settings would have been refused. */
const checkTls = ({ config }: ConfigValues): Finding => {
  const { mode } = config.tls;
  if (mode === 'off') {
    const { host } = config.server;
    const open = !isLoopback(host) && host !== 'localhost' && config.server.trustedProxies.length === 0;
    const text = `off, and ${host} is open to the network: passwords pass in clear. Set ATRIUM_TLS_MODE, or put a proxy in front.`;
    return open ? found('warn', 'tls', text) : found('ok', 'tls', 'off');
  }
  if (mode !== 'files') return found('ok', 'tls', `certificates by the mode ${mode}`);
  const { names, expires } = readFiles(config.tls, new Date());
  const days = Math.floor((expires.getTime() - Date.now()) / dayMs);
  const text = `certificate for ${names.slice(0, 5).join(', ')}, good for ${days} days`;
  const elsewhere = config.server.publicUrl === null ? null : new URL(config.server.publicUrl).hostname;
  if (elsewhere !== null && !covers(names, elsewhere.replace(/^\[|\]$/g, '')))
    return found(
      'warn',
      'tls',
      `${text}; it does not name ${elsewhere} of ATRIUM_PUBLIC_URL, so browsers will refuse it.`,
    );
  const key = config.tls.keyFile!;
  if (process.platform !== 'win32' && (statSync(key).mode & 0o007) !== 0)
    return found('warn', 'tls', `${text}; ${key} can be read by everybody on this machine. Run: chmod o= ${key}`);
  return days < soonDays
    ? found('warn', 'tls', `${text}. Renew it; the files are read again by themselves.`)
    : found('ok', 'tls', text);
};

/** Whether the model that is configured embeds a word. */
const checkModel = async (values: ConfigValues): Promise<Finding> => {
  if (values.config.embeddings === null) return found('ok', 'model', 'none; diaries are searched by words alone');
  try {
    // Brings the diaries with it, which nothing else here needs.
    const { openEmbedder } = await import('./embeddings.ts');
    const embedder = (await openEmbedder(values))!;
    try {
      await embedder.embed(['Atrium'], 'passage');
      return found('ok', 'model', `${embedder.model} answers; diaries are searched by meaning too`);
    } finally {
      await embedder.close?.();
    }
  } catch (error) {
    // A directory that holds no model keeps the server from starting; one that cannot be used leaves it with words.
    if (error instanceof StartupError) return found('fail', 'model', error.message);
    return found('warn', 'model', `${(error as Error).message} Diaries are searched by words alone meanwhile.`);
  }
};

/** Looks at what the server would start on, changing nothing. */
export const examine = async (result: ConfigResult): Promise<Finding[]> => {
  if (!result.ok)
    return result.problems.map(({ key, problem, example }) =>
      found('fail', 'settings', `${key} ${problem}. Example: ${example}`),
    );
  const { values } = result;
  return [
    found('ok', 'settings', 'Every setting can be used'),
    ...checkDataDir(values.config.server.dataDir),
    await checkDatabase(values),
    await checkPort(values),
    checkTls(values),
    await checkModel(values),
  ];
};
