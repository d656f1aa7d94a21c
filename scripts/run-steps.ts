import { spawn } from 'node:child_process';
import { cpus } from 'node:os';
import { resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '..');
const bin = resolve(root, 'node_modules/.bin');

export interface Step {
  name: string;
  command: string;
  args: string[];
  /** Called with the whole output when the command succeeded; returns a complaint to fail it all the same. */
  inspect?: (output: string) => string | null;
}

interface Outcome {
  step: Step;
  ok: boolean;
  seconds: number;
  output: string;
}

const runStep = (step: Step): Promise<Outcome> =>
  new Promise((done) => {
    const started = performance.now();
    const child = spawn(resolve(bin, step.command), step.args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => (output += String(error)));
    child.on('close', (code) => {
      const complaint = code === 0 ? (step.inspect?.(output) ?? null) : null;
      if (complaint !== null) output += `\n${complaint}`;
      done({ step, ok: code === 0 && complaint === null, seconds: (performance.now() - started) / 1000, output });
    });
  });

/** Runs the steps as many at once as there are cores, prints a line each, the output of those that failed, and says whether all passed. */
export const runSteps = async (steps: readonly Step[]): Promise<boolean> => {
  const waiting = [...steps];
  let ok = true;
  const worker = async () => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
      const outcome = await runStep(step);
      console.log(`${outcome.ok ? 'ok  ' : 'FAIL'} ${outcome.step.name} ${outcome.seconds.toFixed(1)} s`);
      if (!outcome.ok) {
        ok = false;
        console.log(outcome.output.trimEnd());
      }
    }
  };
  await Promise.all(Array.from({ length: Math.max(2, cpus().length) }, worker));
  return ok;
};
