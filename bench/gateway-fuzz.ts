/**
 * `node bench/gateway-fuzz.ts --cases 1000000 --seed 1`: generated requests and answers, each by its seed and number.
 * With `--what readers` the readers of the fast lane against the reader of Node, in this process; with `--what lanes`
 * both lanes of the gateway over real connections, and a server and a client of Node for what the bytes mean. `--from`
 * goes on where an earlier run ended. What disagrees is printed and kept in `gateway-fuzz-<seed>.ndjson`, and makes the
 * exit code 1.
 */
import { appendFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { runCases } from '../packages/server/src/modules/gateway/lanes/differential.testkit.ts';
import { generatedCase } from '../packages/server/src/modules/gateway/lanes/differential-cases.testkit.ts';
import { compareReaders } from '../packages/server/src/modules/gateway/lanes/differential-readers.testkit.ts';

const { values } = parseArgs({
  options: {
    what: { type: 'string', default: 'readers' },
    cases: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    workers: { type: 'string', default: '8' },
    silence: { type: 'string', default: '40' },
  },
});
const [cases, seed, from] = [Number(values.cases), Number(values.seed), Number(values.from)];
const to = from + cases;
const every = values.what === 'readers' ? 100_000 : 5000;
let found = 0;
const started = performance.now();

const keep = (one: object): void => {
  found += 1;
  console.log(JSON.stringify(one, null, 1));
  appendFileSync(`gateway-fuzz-${seed}.ndjson`, `${JSON.stringify(one)}\n`);
};
const tell = (done: number): void => {
  if ((done - from) % every !== 0 && done !== to) return;
  const rate = Math.round(((done - from) * 1000) / (performance.now() - started));
  console.log(`seed ${seed}: ${done} of ${to} ${values.what}, ${found} disagreements, ${rate}/s`);
};

if (values.what === 'readers')
  for (let index = from; index < to; index++) {
    const given = generatedCase(seed, index);
    const different = compareReaders(given);
    if (different !== null)
      keep({ name: given.name, bytes: given.bytes.toString('latin1'), cuts: given.cuts, ...different });
    tell(index + 1);
  }
else
  await runCases(seed, from, to, {
    workers: Number(values.workers),
    silence_ms: Number(values.silence),
    found: keep,
    progress: tell,
  });
process.exit(found === 0 ? 0 : 1);
