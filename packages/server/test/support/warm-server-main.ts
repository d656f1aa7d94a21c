/**
 * A process that runs one server after the other, as a restore does: what it loaded and compiled for the first one, which
 * is two thirds of a start, it has for the next. Started by warm-servers.ts, whose orders it takes.
 */
import { run } from '../../src/main.ts';
import { type Order, stoppedMark } from './warm-orders.ts';

let stop: (() => Promise<void>) | null = null;

const begin = async (env: Record<string, string>, cwd: string): Promise<void> => {
  for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name];
  Object.assign(process.env, env);
  process.chdir(cwd);
  stop = await run();
};

const end = async (): Promise<void> => {
  await stop?.();
  stop = null;
};

process.on('message', async (order: Order) => {
  if (order.kind === 'start') await begin(order.env, order.cwd);
  else {
    await end();
    // Behind everything that the server wrote.
    process.stdout.write(stoppedMark);
  }
});
process.once('disconnect', async () => {
  await end();
  process.exit();
});
