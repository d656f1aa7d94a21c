import { posix } from 'node:path';
import { ServiceClient, ServiceRefusal } from '../../../platform/net/service-client.ts';
import { addressOf, type DockerEndpoint } from '../runtime/docker-api.ts';
import { exited, failed, type RunEnding, type RunOrder, type Stop, stopped } from './run-ending.ts';
import { startsItself } from './script-files.ts';

const images = { sh: 'alpine:3', bash: 'bash:5', python: 'python:3-alpine', program: 'debian:stable-slim' } as const;
const interpreters = { sh: ['/bin/sh'], bash: ['bash'], python: ['python3'], program: [] } as const;
const memoryBytes = 512 * 1024 * 1024;
const mostProcesses = 256;
const nameOf = (id: string): string => `atrium-script-${id}`;
const never = new AbortController().signal;

/** Frames of Docker's log stream: a byte for the stream, three of nothing, four for the length. */
async function* framesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<['stdout' | 'stderr', Buffer]> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of body) {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 8) {
      const length = rest.readUInt32BE(4);
      if (rest.length < 8 + length) break;
      yield [rest[0] === 2 ? 'stderr' : 'stdout', rest.subarray(8, 8 + length)];
      rest = rest.subarray(8 + length);
    }
  }
}

const bodyOf = (order: RunOrder, mounted: string) => {
  const file = `/script/${order.name}`;
  const plain = startsItself(order.bytes) && order.kind === 'program' ? [file] : [...interpreters[order.kind], file];
  return {
    Image: order.image ?? images[order.kind],
    Entrypoint: [],
    Cmd: order.command?.map((part) => part.replaceAll('{script}', file)) ?? plain,
    Env: Object.entries({ LANG: 'C.UTF-8', HOME: '/tmp', ...order.variables }).map((pair) => pair.join('=')),
    WorkingDir: '/tmp',
    Labels: { 'atrium.script.run': order.id, 'atrium.skip': 'true' },
    NetworkDisabled: true,
    HostConfig: {
      NetworkMode: 'none',
      Binds: [`${mounted}:${file}:ro`],
      ReadonlyRootfs: true,
      Tmpfs: { '/tmp': 'rw,exec,size=256m' },
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      PidsLimit: mostProcesses,
      Memory: memoryBytes,
    },
  };
};

const words = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Runs scripts in containers without network, with the file alone and read-only inside. */
export const createContainerRunner = (engine: () => DockerEndpoint, hostDirectory: () => string) => {
  const within = async <T>(act: (client: ServiceClient) => Promise<T>): Promise<T> => {
    const client = new ServiceClient(await addressOf(engine()));
    try {
      return await act(client);
    } finally {
      await client.close();
    }
  };

  const remove = async (client: ServiceClient, id: string): Promise<void> => {
    try {
      await client.send({ method: 'DELETE', path: `/containers/${nameOf(id)}?force=true&v=true` }, never);
    } catch (error) {
      if (!(error instanceof ServiceRefusal && error.status === 404)) throw error;
    }
  };

  const pull = async (client: ServiceClient, image: string, order: RunOrder): Promise<void> => {
    try {
      await client.json(`/images/${encodeURIComponent(image)}/json`, order.signal);
      return;
    } catch (error) {
      if (!(error instanceof ServiceRefusal && error.status === 404)) throw error;
    }
    order.onNote(`Fetching the image ${image}.`);
    const [name, tag = 'latest'] = /:[^/]*$/.test(image)
      ? [image.slice(0, image.lastIndexOf(':')), image.slice(image.lastIndexOf(':') + 1)]
      : [image];
    const path = `/images/create?${new URLSearchParams({ fromImage: name!, tag })}`;
    const lines = await client.sendForLines<{ error?: string }>({ method: 'POST', path, silence_ms: 0 }, order.signal);
    for await (const { error } of lines) if (error !== undefined) throw new Error(error);
  };

  const inContainer = async (client: ServiceClient, order: RunOrder): Promise<RunEnding> => {
    const { signal } = order;
    const body = bodyOf(order, posix.join(hostDirectory().replaceAll('\\', '/'), order.path));
    await pull(client, body.Image, order);
    await client.send({ method: 'POST', path: `/containers/create?name=${nameOf(order.id)}`, body }, signal);
    await client.send({ method: 'POST', path: `/containers/${nameOf(order.id)}/start` }, signal);
    const path = `/containers/${nameOf(order.id)}/logs?follow=1&stdout=1&stderr=1`;
    for await (const [stream, chunk] of framesOf(await client.flow({ method: 'GET', path, silence_ms: 0 }, signal)))
      order.onOutput(stream, chunk);
    const waited = await client.send<{ StatusCode: number }>(
      { method: 'POST', path: `/containers/${nameOf(order.id)}/wait`, silence_ms: 0 },
      signal,
    );
    return exited(waited?.StatusCode ?? 0);
  };

  return {
    /** Removes what a run left behind whose server is gone. */
    clear: (id: string): Promise<void> => within((client) => remove(client, id)),

    run: (order: RunOrder): Promise<RunEnding> =>
      within(async (client) => {
        try {
          return await inContainer(client, order);
        } catch (error) {
          if (order.signal.aborted) return stopped(order.signal.reason as Stop, order.timeout_s);
          return failed('no_container', `The container engine could not run it: ${words(error).slice(0, 500)}.`);
        } finally {
          await remove(client, order.id).catch((error: unknown) =>
            order.onNote(`Its container could not be removed: ${words(error).slice(0, 300)}.`),
          );
        }
      }),
  };
};
