import type { ServerResponse } from 'node:http';
import {
  type DockerQuestion,
  type DockerServer,
  type DockerServerOptions,
  startDockerServer,
  type ToyContainer,
} from './docker-server.ts';

/** A container as a test describes it, for a server that also inspects, starts, stops, logs and measures. */
export interface ToyMachine extends ToyContainer {
  environment?: Record<string, string>;
  command?: string[];
  tty?: boolean;
  /** Merged into what inspect answers. */
  inspected?: { Config?: object; HostConfig?: object; Mounts?: object[]; RestartCount?: number };
}

export interface DockerEngine extends DockerServer {
  /** Makes and starts a container. Gives its id. */
  make(machine: ToyMachine): string;
  /** It ends by itself, with a code. */
  die(name: string, code: number): void;
  /** It is started or stopped at the machine, not through the API. */
  turn(name: string, on: boolean): void;
  remove(name: string): void;
  /** Writes a line to its log; gives the time under which it stands there. */
  write(name: string, text: string, stream?: 'stdout' | 'stderr'): string;
  /** Ends streams of its log although it runs on, as the turn of a log file may. */
  cutLogs(name: string): void;
  /** Streams of logs that are open now. */
  readonly followers: number;
  /** Bytes of logs that their readers have not taken yet. */
  readonly untaken: number;
  /** Answers of acts that fail, by `name:action`. */
  faults: Map<string, { status: number; message: string }>;
  /** `name:action:t` of all that was done. */
  acts: string[];
  /** How often use was asked for. */
  readonly measured: number;
}

interface Machine extends ToyMachine {
  id: string;
  state: 'running' | 'exited';
  code: number;
  started: Date;
  lines: { at: string; stream: 'stdout' | 'stderr'; text: string }[];
  followers: Set<ServerResponse>;
  cpu: number;
  system: number;
}

/** As the engine packs a piece of a log. */
const framed = (stream: 'stdout' | 'stderr', text: string): Buffer => {
  const payload = Buffer.from(text);
  const head = Buffer.alloc(8);
  head[0] = stream === 'stderr' ? 2 : 1;
  head.writeUInt32BE(payload.length, 4);
  return Buffer.concat([head, payload]);
};

/** Docker's Engine API as far as containers are looked at and controlled, beside what discovery asks. */
export const startDockerEngine = async (options: DockerServerOptions = {}): Promise<DockerEngine> => {
  const machines = new Map<string, Machine>();
  const faults: DockerEngine['faults'] = new Map();
  const acts: string[] = [];
  let measured = 0;
  let written = 0;

  const find = (key: string): Machine | undefined =>
    machines.get(key) ?? [...machines.values()].find(({ id, name }) => name === key || id.startsWith(key));
  const named = (name: string): Machine => {
    const found = find(name);
    if (found === undefined) throw new Error(`no container is called ${name}`);
    return found;
  };

  const leave = ({ followers }: Machine): void => {
    for (const follower of followers) follower.end();
    followers.clear();
  };
  const start = (machine: Machine): void => {
    machine.state = 'running';
    machine.started = new Date();
    base.run(machine);
  };
  const end = (machine: Machine, code: number): void => {
    machine.state = 'exited';
    machine.code = code;
    leave(machine);
    base.stop(machine.name);
  };

  const listed = ({ id, name, image = 'example/app:1', state, code, labels = {}, ports = [] }: Machine) => ({
    ...{ Id: id, Names: [`/${name}`], Image: image, Created: 1_700_000_000, State: state, Labels: labels },
    Status: state === 'running' ? 'Up 2 minutes' : `Exited (${code}) 3 seconds ago`,
    Ports: ports.map(({ private: PrivatePort, public: PublicPort, ip, type = 'tcp' }) => ({
      ...(PublicPort === undefined ? {} : { IP: ip ?? '0.0.0.0', PublicPort }),
      ...{ PrivatePort, Type: type },
    })),
  });

  const inspected = (machine: Machine) => {
    const { id, name, image = 'example/app:1', state, code, started, labels = {}, inspected: more = {} } = machine;
    return {
      ...{ Id: id, Name: `/${name}`, Created: '2026-01-02T03:04:05.678901234Z', RestartCount: more.RestartCount ?? 0 },
      State: {
        ...{ Status: state, Running: state === 'running', ExitCode: state === 'running' ? 0 : code },
        StartedAt: started.toISOString(),
      },
      Config: {
        ...{
          Hostname: id.slice(0, 12),
          User: '',
          WorkingDir: '',
          Tty: machine.tty === true,
          Image: image,
          Labels: labels,
        },
        Env: Object.entries(machine.environment ?? {}).map(([key, value]) => `${key}=${value}`),
        ...{ Cmd: machine.command ?? null, Entrypoint: null },
        ...more.Config,
      },
      HostConfig: {
        ...{ NetworkMode: 'bridge', RestartPolicy: { Name: 'unless-stopped', MaximumRetryCount: 0 } },
        PortBindings: Object.fromEntries(
          (machine.ports ?? [])
            .filter((port) => port.public !== undefined)
            .map((port) => [
              `${port.private}/${port.type ?? 'tcp'}`,
              [{ HostIp: port.ip ?? '', HostPort: String(port.public) }],
            ]),
        ),
        ...more.HostConfig,
      },
      Mounts: more.Mounts ?? [],
      NetworkSettings: {
        Networks: Object.fromEntries(
          Object.entries(machine.networks ?? { bridge: '172.17.0.2' }).map(([network, IPAddress]) => [
            network,
            { IPAddress, Aliases: null },
          ]),
        ),
      },
    };
  };

  const logged = (machine: Machine, { at, stream, text }: Machine['lines'][number]): Buffer => {
    const line = `${at} ${text}\n`;
    return machine.tty === true ? Buffer.from(line) : framed(stream, line);
  };
  const log = (machine: Machine, { response, query }: DockerQuestion): void => {
    const since = Number(query.get('since') ?? 0);
    // Nanoseconds do not fit a number; what is compared here is written a microsecond apart.
    const seconds = (at: string): number => Date.parse(`${at.slice(0, 19)}Z`) / 1000 + Number(`0${at.slice(19, 29)}`);
    const tail = query.get('tail') ?? 'all';
    const last = tail === 'all' ? machine.lines : tail === '0' ? [] : machine.lines.slice(-Number(tail));
    response.writeHead(200, { 'content-type': 'application/vnd.docker.multiplexed-stream' });
    response.flushHeaders();
    for (const line of last.filter(({ at }) => seconds(at) >= since - 5e-7)) {
      const bytes = logged(machine, line);
      // In two pieces, as a network does as well.
      response.write(bytes.subarray(0, 5));
      response.write(bytes.subarray(5));
    }
    if (query.get('follow') !== '1' || machine.state !== 'running') return void response.end();
    machine.followers.add(response);
    response.on('close', () => machine.followers.delete(response));
  };

  const stats = (machine: Machine) => {
    measured += 1;
    const before = { total: machine.cpu, system: machine.system };
    machine.cpu += 250_000_000;
    machine.system += 2_000_000_000;
    const cpu = (total: number, system: number) => ({
      ...{ cpu_usage: { total_usage: total }, system_cpu_usage: system, online_cpus: 2 },
    });
    return {
      ...{ read: new Date().toISOString(), pids_stats: { current: 7 } },
      ...{ cpu_stats: cpu(machine.cpu, machine.system), precpu_stats: cpu(before.total, before.system) },
      memory_stats: { usage: 150_000_000, limit: 1_000_000_000, stats: { inactive_file: 50_000_000 } },
      networks: { eth0: { rx_bytes: 1000, tx_bytes: 2000 }, eth1: { rx_bytes: 1, tx_bytes: 2 } },
      blkio_stats: {
        io_service_bytes_recursive: [
          { op: 'read', value: 10 },
          { op: 'write', value: 20 },
        ],
      },
    };
  };

  const act = (machine: Machine, action: string, { query, answer, response }: DockerQuestion): void => {
    const fault = faults.get(`${machine.name}:${action}`);
    acts.push(`${machine.name}:${action}${query.has('t') ? `:${query.get('t')}` : ''}`);
    if (fault !== undefined) {
      answer(fault.status, { message: fault.message });
      return;
    }
    const runs = machine.state === 'running';
    const idle = (action === 'start' && runs) || (action === 'stop' && !runs);
    if (runs && action !== 'start') end(machine, 143);
    if (action !== 'stop' && machine.state !== 'running') start(machine);
    response.writeHead(idle ? 304 : 204).end();
  };

  const routes = (question: DockerQuestion): boolean => {
    const { path, query, request, answer } = question;
    if (path === '/containers/json' && query.get('all') === 'true') {
      answer(200, [...machines.values()].map(listed));
      return true;
    }
    const found = /^\/containers\/([^/]+)\/(json|logs|stats|start|stop|restart)$/.exec(path);
    if (found === null) return false;
    const machine = find(found[1]!);
    const verb = found[2]!;
    if (machine === undefined) answer(404, { message: `No such container: ${found[1]}` });
    else if (request.method === 'POST') act(machine, verb, question);
    else if (verb === 'json') answer(200, inspected(machine));
    else if (verb === 'logs') log(machine, question);
    else answer(200, stats(machine));
    return true;
  };

  const base = await startDockerServer({ ...options, routes });
  const engine: Omit<DockerEngine, keyof DockerServer | 'followers' | 'untaken' | 'measured'> = {
    faults,
    acts,
    make: (machine) => {
      const id = base.run(machine);
      const fresh = { state: 'running' as const, code: 0, started: new Date(), lines: [], cpu: 0, system: 0 };
      machines.set(machine.name, { ...machine, ...fresh, id, followers: new Set() });
      return id;
    },
    die: (name, code) => end(named(name), code),
    turn: (name, on) => (on ? start(named(name)) : end(named(name), 0)),
    remove: (name) => {
      const machine = named(name);
      if (machine.state === 'running') end(machine, 137);
      machines.delete(name);
    },
    write: (name, text, stream = 'stdout') => {
      const machine = named(name);
      written += 1;
      const now = new Date(1_790_000_000_000 + written).toISOString().slice(0, -1);
      const line = { at: `${now}${String(written % 1_000_000).padStart(6, '0')}Z`, stream, text };
      machine.lines.push(line);
      for (const follower of machine.followers) follower.write(logged(machine, line));
      return line.at;
    },
    cutLogs: (name) => {
      leave(named(name));
    },
  };
  return Object.defineProperties(Object.assign(base, engine), {
    followers: { get: () => [...machines.values()].reduce((sum, { followers }) => sum + followers.size, 0) },
    untaken: {
      get: () =>
        [...machines.values()]
          .flatMap(({ followers }) => [...followers])
          .reduce((sum, { writableLength }) => sum + writableLength, 0),
    },
    measured: { get: () => measured },
  }) as DockerEngine;
};
