/**
 * Runs the server scenarios of @modelcontextprotocol/conformance against the MCP host:
 *
 *     node packages/server/test/conformance/run.ts [SCENARIO…]
 *
 * Each scenario runs in every revision it is made for. Exits 1 when anything fails that is not named below.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startFixtureServer } from './fixture-server.ts';
import { checksIn, scenariosOf, suite, verdictOf } from './suite.ts';

/** Scenarios that are not for this server, and why. */
const notApplicable: Record<string, string> = {
  'server-sse-polling': 'optional: a dropped wait is taken up again by its idempotency key, not by replaying a stream',
  'http-custom-header-server-validation': 'no tool declares x-mcp-header',
};

const main = async (): Promise<void> => {
  const named = process.argv.slice(2);
  const wanted = scenariosOf(await suite(['list', '--server'])).filter(
    ([name]) => named.length === 0 || named.includes(name),
  );
  if (wanted.length === 0) throw new Error('The suite lists no such scenario; it needs Node 22 or newer.');
  const server = await startFixtureServer();
  const work = await mkdtemp(join(tmpdir(), 'mcp-conformance-'));
  const url = server.url.replace('127.0.0.1', 'localhost');
  let failed = 0;
  for (const [name, specs] of wanted) {
    for (const spec of specs) {
      const output = join(work, `${name}-${spec}`);
      await suite(['server', '--url', url, '--scenario', name, '--spec-version', spec, '-o', output]);
      const excuse = notApplicable[name];
      const { verdict, why } = verdictOf(await checksIn(output).catch(() => []));
      if (verdict === 'FAIL' && excuse === undefined) failed++;
      const said = excuse === undefined ? verdict : 'not applicable';
      process.stdout.write(`${said.padEnd(18)}${spec}  ${name}  (${(excuse ?? why).slice(0, 300)})\n`);
    }
  }
  await server.close();
  await rm(work, { recursive: true, force: true });
  process.stdout.write(failed === 0 ? 'Nothing failed.\n' : `${failed} failed.\n`);
  process.exitCode = failed === 0 ? 0 : 1;
};

await main();
