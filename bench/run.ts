/** `npm run bench`: the lines of the budget table that exist so far, each beside its peer in the same run. `--write` puts them into docs/performance.md. */
import { cpus } from 'node:os';
import { createAtrium } from '../packages/sdk/src/index.ts';
import { type BenchLine, startBenchServer } from './bench-server.ts';
import { benchCard } from './card.ts';
import { benchFanOut } from './fan-out.ts';
import { benchItemGet } from './item-get.ts';
import { writeServerReport } from './performance-file.ts';
import { benchOauth } from './token-lines.ts';

const server = await startBenchServer();
const lines: BenchLine[] = [];
try {
  lines.push(await benchItemGet(server));
  console.log(lines.at(-1));
  lines.push(await benchCard(server));
  console.log(lines.at(-1));
  const owner = createAtrium({ url: server.url, token: server.token });
  const tokens = [server.token];
  // Every principal may hold fifty sockets, so a thousand clients are twenty agents of the organisation's scope.
  for (let n = 0; n < 19; n++) {
    const { api_key } = await owner.agents.create({
      name: `Listener ${n}`,
      item_scope: { kind: 'org' },
      role: 'member',
    });
    tokens.push(api_key);
  }
  lines.push(await benchFanOut(server, tokens));
  console.log(lines.at(-1));
  // Last, since it gives the server one core and the rest the other.
  for (const line of await benchOauth(server)) {
    lines.push(line);
    console.log(line);
  }
} finally {
  await server.stop();
}

const report = `# Performance

Made by \`npm run bench -- --write\`: each line beside a named peer or limit in the same run, medians of five runs. Ratios carry over to other machines, absolute figures do not.
Machine of this run: ${cpus().length} cores, ${cpus()[0]?.model ?? 'unknown'}, Node ${process.versions.node}. The load generator shares the cores.

| What | Atrium | Peer or limit | Result | Budget | Met |
|---|---|---|---|---|---|
${lines.map((line) => `| ${line.what} | ${line.ours} | ${line.peer} | ${line.result} | ${line.budget} | ${line.met ? 'yes' : 'no'} |`).join('\n')}
`;
if (process.argv.includes('--write')) writeServerReport(report);
process.exit(lines.every((line) => line.met) ? 0 : 1);
