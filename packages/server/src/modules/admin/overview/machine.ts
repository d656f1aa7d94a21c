import { existsSync, readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { availableParallelism, cpus, freemem, loadavg, totalmem, uptime } from 'node:os';
import { join } from 'node:path';

export interface Machine {
  cpu: { cores: number; percent: number; load_1m: number };
  memory: { total: number; used: number; process: number };
  disk: { total: number; used: number; percent: number };
  network: { received: number; sent: number } | null;
  uptime_s: number;
}

interface CpuTime {
  busy: number;
  all: number;
}

const textOf = (path: string): string | null => {
  try {
    return existsSync(path) ? readFileSync(path, 'utf8') : null;
  } catch {
    return null;
  }
};

/** user nice system idle iowait irq softirq steal */
const cpuOf = (stat: string | null): CpuTime | null => {
  const numbers = /^cpu\s+(.*)$/m
    .exec(stat ?? '')?.[1]
    ?.trim()
    .split(/\s+/)
    .map(Number);
  if (numbers === undefined || numbers.length < 5) return null;
  const all = numbers.slice(0, 8).reduce((sum, one) => sum + one, 0);
  return { all, busy: all - numbers[3]! - numbers[4]! };
};

const cpuOfSystem = (): CpuTime =>
  cpus().reduce(
    (sum, { times }) => {
      const all = times.user + times.nice + times.sys + times.idle + times.irq;
      return { all: sum.all + all, busy: sum.busy + all - times.idle };
    },
    { all: 0, busy: 0 },
  );

const kibOf = (meminfo: string | null, name: string): number | null => {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(meminfo ?? '')?.[1];
  return found === undefined ? null : Number(found) * 1024;
};

const networkOf = (text: string | null): Machine['network'] => {
  if (text === null) return null;
  const sum = { received: 0, sent: 0 };
  for (const line of text.split('\n')) {
    const [name, rest] = line.split(':');
    if (rest === undefined || name!.trim() === 'lo') continue;
    const numbers = rest.trim().split(/\s+/).map(Number);
    sum.received += numbers[0] ?? 0;
    sum.sent += numbers[8] ?? 0;
  }
  return sum;
};

/** Reads what the machine has; with the root of the host mounted, of the host instead of the container. */
export class MachineReader {
  readonly #root: string | null;
  readonly #dataDir: string;
  #before: CpuTime;

  constructor(options: { host_root: string | null; data_dir: string }) {
    this.#root = options.host_root;
    this.#dataDir = options.data_dir;
    this.#before = this.#cpu();
  }

  #proc(name: string): string | null {
    return textOf(join(this.#root ?? '/', 'proc', name));
  }

  #cpu(): CpuTime {
    return cpuOf(this.#proc('stat')) ?? cpuOfSystem();
  }

  async read(): Promise<Machine> {
    const now = this.#cpu();
    const [all, busy] = [now.all - this.#before.all, now.busy - this.#before.busy];
    this.#before = now;
    const meminfo = this.#proc('meminfo');
    const total = kibOf(meminfo, 'MemTotal') ?? totalmem();
    const { blocks, bavail, bsize } = await statfs(this.#root ?? this.#dataDir);
    const disk = { total: blocks * bsize, used: (blocks - bavail) * bsize };
    return {
      cpu: {
        cores: this.#root === null ? availableParallelism() : cpus().length,
        percent: all <= 0 ? 0 : Math.round((busy / all) * 1000) / 10,
        load_1m: loadavg()[0]!,
      },
      memory: {
        total,
        used: total - (kibOf(meminfo, 'MemAvailable') ?? freemem()),
        process: process.memoryUsage.rss(),
      },
      disk: { ...disk, percent: disk.total === 0 ? 0 : Math.round((disk.used / disk.total) * 1000) / 10 },
      // In a container the first process of the host sees its network; our own sees ours.
      network: networkOf(this.#proc(this.#root === null ? 'net/dev' : '1/net/dev')),
      uptime_s: Math.floor(uptime()),
    };
  }
}
