/**
 * Runs the authorization-server scenarios of @modelcontextprotocol/conformance against a started server:
 *
 *     node packages/server/test/conformance/authorization.ts [--suite-path DIRECTORY]
 *
 * A browser without script signs in and consents where the suite prints an address. Exits 1 unless every check passes.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { openOauthWorld } from '../support/oauth-world.ts';
import { password } from '../support/people.ts';

const version = '0.2.0-alpha.12';
const port = 3999;

interface Check {
  id: string;
  status: string;
  errorMessage?: string;
}

const start = (directory: string | undefined, args: string[]) => {
  const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}` };
  if (directory === undefined)
    return spawn('npx', ['-y', `@modelcontextprotocol/conformance@${version}`, ...args], { env });
  const program = join(directory, 'node_modules/@modelcontextprotocol/conformance/dist/index.js');
  return spawn(process.execPath, [program, ...args], { env });
};

const main = async (): Promise<void> => {
  const { values } = parseArgs({ options: { 'suite-path': { type: 'string' } } });
  const world = await openOauthWorld();
  const client = await world.register({ redirect_uris: [`http://127.0.0.1:${port}/callback`] });
  const output = await mkdtemp(join(tmpdir(), 'mcp-authorization-'));
  const resource = `${world.issuer}/mcp`;
  const args = ['authorization', '--url', world.issuer, '--client-id', client, '--resource', resource];
  const suite = start(values['suite-path'], [...args, '--port', String(port), '-o', output]);
  let printed = '';
  let opened = '';
  const hear = (chunk: Buffer): void => {
    printed += chunk.toString();
    const url = new RegExp(`${world.issuer}/oauth/authorize\\?\\S+`).exec(printed)?.[0];
    if (url === undefined || url === opened) return;
    opened = url;
    world
      .browser()
      .authorize(url, { email: world.person.email, password })
      .then((answer) => fetch(answer))
      .catch((error: unknown) => process.stderr.write(`${error}\n`));
  };
  suite.stdout.on('data', hear);
  suite.stderr.on('data', hear);
  await once(suite, 'close');
  const files = (await readdir(output, { recursive: true })).filter((file) => file.endsWith('checks.json'));
  let failed = files.length === 0 ? 1 : 0;
  for (const file of files) {
    const checks = JSON.parse(await readFile(join(output, file), 'utf8')) as Check[];
    for (const { id, status, errorMessage } of checks) {
      if (status === 'FAILURE') failed += 1;
      process.stdout.write(
        `${status.padEnd(9)}${dirname(file)}  ${id}${errorMessage === undefined ? '' : `  (${errorMessage})`}\n`,
      );
    }
  }
  if (failed > 0) process.stdout.write(printed);
  process.stdout.write(failed === 0 ? 'Nothing failed.\n' : `${failed} failed.\n`);
  await rm(output, { recursive: true, force: true });
  await world.close();
  process.exitCode = failed === 0 ? 0 : 1;
};

await main();
