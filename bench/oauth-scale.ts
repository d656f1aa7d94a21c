/**
 * What a backlog of expired rows does to those who ask for tokens while it is swept, and how long a token that was revoked
 * at one server is still good at another. `node bench/oauth-scale.ts [rows]`; `--write` puts the figures into
 * docs/performance.md.
 */
import { randomBytes } from 'node:crypto';
import { cpus, loadavg } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { sweepOauth } from '../packages/server/src/modules/oauth/sweeps.ts';
import { systemClock } from '../packages/server/src/platform/clock/clock.ts';
import { createDatabase } from '../packages/server/src/platform/db/kysely-database.ts';
import { createPool } from '../packages/server/src/platform/db/pool.ts';
import { removeDataDir, startServer } from '../packages/server/test/support/start-server.ts';
import { startBenchServer } from './bench-server.ts';
import { percentile } from './measure.ts';
import { writeOauthSection } from './performance-file.ts';
import { fetchToken, formHeaders, tokenForm } from './token-parts.ts';

const rows = Number(process.argv.find((word) => /^\d+$/u.test(word)) ?? 10_000_000);
/** Tokens a second that are asked for all the while, whether or not earlier ones have been answered. */
const pace = 50;
const seconds = 60;
const revocations = 200;

const masterKey = randomBytes(32).toString('base64');
const server = await startBenchServer({ ATRIUM_MASTER_KEY: masterKey });
const pool = new pg.Pool({ connectionString: server.databaseUrl, max: 4 });
const access = { id: server.client.id, secret: server.client.secret };

const askOnce = async (): Promise<number> => {
  const start = performance.now();
  const answer = await fetch(`${server.url}/oauth/token`, {
    method: 'POST',
    headers: formHeaders(access),
    body: tokenForm(server.resource),
  });
  await answer.text();
  if (!answer.ok) throw new Error(`a token was refused: ${answer.status}`);
  return performance.now() - start;
};

/** An open loop: a server that stalls does not make its askers wait for their turn. */
const askFor = async (duration_s: number): Promise<number[]> => {
  const asked: Promise<number>[] = [];
  const start = performance.now();
  for (let n = 0; n < duration_s * pace; n++) {
    await pause(Math.max(0, start + (n * 1000) / pace - performance.now()));
    asked.push(askOnce());
  }
  return Promise.all(asked);
};

const share = (part: number): number => Math.floor(rows * part);

const fill = async (): Promise<void> => {
  const artefacts = (table: string, count: number) =>
    pool.query(
      `insert into ${table} (id_hash, payload, client_id, subject, expires_at)
       select md5(n::text) || md5('${table}' || n), jsonb_build_object('iat', n, 'kind', '${table}', 'scope', 'inbox:read'),
         $2, gen_random_uuid()::text, now() - interval '3 hours' from generate_series(1, $1::int) n`,
      [count, access.id],
    );
  await artefacts('oauth_codes', share(0.2));
  await artefacts('oauth_refresh_tokens', share(0.3));
  await artefacts('oauth_par', share(0.1));
  await pool.query(
    `insert into oauth_access_tokens (id, hash, format, kind, client_id, subject, resource, scopes, created_at, expires_at)
     select gen_random_uuid(), md5(n::text) || md5('a' || n), 'jwt', 'ClientCredentials', $2, $2, $3, '{inbox:read}',
       now() - interval '4 hours', now() - interval '3 hours' from generate_series(1, $1::int) n`,
    [share(0.3), access.id, server.resource],
  );
  await pool.query(
    `insert into oauth_replays (issuer, jti_hash, kind, expires_at)
     select 'bench', md5(n::text) || md5('r' || n), 'assertion', now() - interval '3 hours' from generate_series(1, $1::int) n`,
    [share(0.1)],
  );
};

const left = async (): Promise<number> => {
  const { rows: counted } = await pool.query<{ n: string }>(
    `select (select count(*) from oauth_codes where expires_at < now() - interval '1 hour')
      + (select count(*) from oauth_refresh_tokens where expires_at < now() - interval '1 hour')
      + (select count(*) from oauth_par where expires_at < now() - interval '1 hour')
      + (select count(*) from oauth_access_tokens where expires_at < now() - interval '1 hour')
      + (select count(*) from oauth_replays where expires_at < now() - interval '1 hour') as n`,
  );
  return Number(counted[0]!.n);
};

const spread = (times: readonly number[]): string =>
  [50, 95, 99].map((p) => `${percentile(times, p).toFixed(1)} ms`).join(' | ');

const say = (text: string): void => console.log(text);

const sweepTable = async (): Promise<string[]> => {
  await askFor(5);
  const quiet = await askFor(20);
  say(`no backlog: ${spread(quiet)}`);
  const filled = performance.now();
  await fill();
  say(`${rows} expired rows made in ${Math.round((performance.now() - filled) / 1000)} s`);
  const sweeping = createPool({ url: server.databaseUrl, max: 4 });
  // Nothing that is swept is encrypted.
  const cipher = { encrypt: (text: string) => text, decrypt: (text: string) => text };
  const database = createDatabase({ pool: sweeping, clock: systemClock, cipher });
  let ended = false;
  let sweeps = 0;
  const sweeper = (async () => {
    while (!ended) {
      await sweepOauth(database, systemClock);
      sweeps += 1;
    }
  })();
  const busy = await askFor(seconds);
  ended = true;
  await sweeper;
  const swept = rows - (await left());
  await sweeping.end();
  say(`swept ${swept} in ${sweeps} rounds: ${spread(busy)}`);
  return [
    `| nothing to sweep | ${spread(quiet)} | – |`,
    `| ${rows.toLocaleString('en')} expired rows, swept without a pause (${swept.toLocaleString('en')} in ${seconds} s) | ${spread(busy)} | ${percentile(busy, 95) < 500 ? 'yes' : 'no'} |`,
  ];
};

const revocationLine = async (): Promise<string> => {
  const other = await startServer({
    on_disk: true,
    as_users_start: true,
    env: {
      DATABASE_URL: server.databaseUrl,
      ATRIUM_MASTER_KEY: masterKey,
      ATRIUM_PUBLIC_URL: new URL(server.resource).origin,
      ATRIUM_RATE_LIMIT_REST: '100000000',
      ATRIUM_RATE_LIMIT_ADDRESS: '100000000',
    },
  });
  try {
    const times: number[] = [];
    for (let n = 0; n < revocations; n++) {
      const token = await fetchToken(`${server.url}/oauth/token`, access, server.resource);
      const use = async (): Promise<number> => {
        const answer = await fetch(`${other.url}/api/v1/me`, { headers: { authorization: `Bearer ${token}` } });
        await answer.arrayBuffer();
        return answer.status;
      };
      if ((await use()) !== 200) throw new Error('the other server does not take the token');
      const revoked = await fetch(`${server.url}/oauth/revoke`, {
        method: 'POST',
        headers: formHeaders(access),
        body: new URLSearchParams({ token }),
      });
      await revoked.arrayBuffer();
      if (!revoked.ok) throw new Error(`revoking failed: ${revoked.status}`);
      const start = performance.now();
      while ((await use()) === 200);
      times.push(performance.now() - start);
    }
    say(`revoked at one, refused by the other: ${spread(times)}, longest ${Math.max(...times).toFixed(1)} ms`);
    return `| revoked at one server, refused by the other (${revocations} tokens; longest ${Math.max(...times).toFixed(1)} ms) | ${spread(times)} | ${Math.max(...times) < 100 ? 'yes' : 'no'} |`;
  } finally {
    await other.stop();
    removeDataDir(other.dataDir);
  }
};

try {
  const revoked = await revocationLine();
  const swept = await sweepTable();
  if (process.argv.includes('--write'))
    writeOauthSection(`## Tokens beside a sweep, and across servers

Made by \`node bench/oauth-scale.ts --write\`. Tokens by client_credentials, ${pace} a second in an open loop; the sweeper runs round after round instead of once a minute, over authorization codes, refresh tokens, pushed requests, access tokens and replays. PostgreSQL of the server on disk, all on the same ${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), load of the machine at the end ${loadavg()[0]!.toFixed(1)}. Budgets: 500 ms at p95; 100 ms from the answer to the revocation until the other server refuses.

| What | p50 | p95 | p99 | Met |
|---|---|---|---|---|
${[...swept, revoked].join('\n')}
`);
} finally {
  await pool.end();
  await server.stop();
}
process.exit(0);
