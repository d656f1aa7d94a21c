import { createServer } from 'node:net';
import { AppError } from '../../../platform/errors/app-error.ts';
import type { BoundPorts } from '../runtime/docker-deploying.ts';
import type { PlannedPort } from './compose-plan.ts';
import type { HeldPort } from './deployments-rows.ts';

const [lowest, highest] = [20_000, 29_999];

/** Can this process listen there? Only asked where it shares the machine with the engine. */
const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve((error as { code?: unknown }).code === 'EACCES'));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

const key = ({ host_port, protocol }: { host_port: number; protocol: string }): string => `${host_port}/${protocol}`;

export interface PortOutlook {
  /** Of containers that run now, those of the deployment itself left out. */
  running: readonly BoundPorts[];
  /** Of other deployments, whether they run or not. */
  held: readonly HeldPort[];
  /** What the deployment has already. */
  own: readonly HeldPort[];
  /** Whether ports of the engine are ports of this process' machine. */
  same_machine: boolean;
}

/** The host port of each: the one that the file names, the one it has already, or a free one. */
export const choosePorts = async (wanted: readonly PlannedPort[], outlook: PortOutlook): Promise<HeldPort[]> => {
  const taken = new Map<string, string>();
  for (const port of outlook.held) taken.set(key(port), 'another deployment');
  for (const { Names, Ports } of outlook.running)
    for (const { PublicPort, Type = 'tcp' } of Ports ?? [])
      if (PublicPort !== undefined && PublicPort > 0)
        taken.set(`${PublicPort}/${Type}`, `the container ${(Names?.[0] ?? '').replace(/^\//, '') || 'of another'}`);
  const own = new Set(outlook.own.map(key));

  const holder = async (port: { host_port: number; protocol: 'tcp' | 'udp' }): Promise<string | null> => {
    const by = taken.get(key(port));
    if (by !== undefined) return by;
    if (own.has(key(port)) || !outlook.same_machine || port.protocol === 'udp') return null;
    return (await isFree(port.host_port)) ? null : 'another program';
  };

  const chosen: HeldPort[] = [];
  for (const port of wanted) {
    if (port.host_port === null) continue;
    const named = { ...port, host_port: port.host_port };
    const by = await holder(named);
    if (by !== null)
      throw new AppError(
        'toolbox_port_taken',
        `The port ${port.host_port} that ${port.service} is to have is taken by ${by}. Choose another one.`,
        { extensions: { port: port.host_port, service: port.service } },
      );
    taken.set(key(named), port.service);
    chosen.push(named);
  }
  let next = lowest + Math.floor(Math.random() * (highest - lowest));
  for (const port of wanted) {
    if (port.host_port !== null) continue;
    const before = outlook.own.find(
      (one) =>
        one.service === port.service &&
        one.container_port === port.container_port &&
        one.protocol === port.protocol &&
        !taken.has(key(one)),
    );
    let found = before ?? null;
    for (let tried = 0; found === null && tried < 2000; tried++) {
      next = next >= highest ? lowest : next + 1;
      const candidate = { ...port, host_port: next };
      if ((await holder(candidate)) === null) found = candidate;
    }
    if (found === null) throw new AppError('toolbox_port_taken', 'No port of this machine is free.');
    taken.set(key(found), port.service);
    chosen.push(found);
  }
  return chosen;
};
