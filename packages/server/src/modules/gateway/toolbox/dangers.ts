import type { ToolboxDanger } from '@atrium/protocol';

/* What lets a container out of its box. */

type Kind = ToolboxDanger['kind'];

const words: Readonly<Record<Exclude<Kind, 'bind' | 'capability'>, (what: string) => string>> = {
  privileged: () => 'runs with all rights on this machine',
  host_network: () => 'uses the network of this machine itself: it hears and reaches everything there',
  host_pid: () => 'sees and may end every process of this machine',
  host_ipc: () => 'shares memory with processes of this machine',
  docker_socket: (path) => `controls the container engine by ${path}, and with it this machine`,
  device: (path) => `uses the device ${path}`,
  security: (option) => `changes how the engine protects this machine: ${option}`,
};

export const dangerOf = (kind: keyof typeof words, service: string, what = ''): ToolboxDanger => ({
  id: [kind, service, ...(what === '' ? [] : [what])].join(':'),
  service,
  kind,
  words: words[kind](what),
});

const sockets = /(?:^|\/)(?:docker|podman|containerd|crio|cri-dockerd)\.sock$/;

/** A place of the machine outside of the folder that is the deployment's own. */
export const bindDanger = (service: string, path: string, readOnly: boolean): ToolboxDanger =>
  sockets.test(path)
    ? dangerOf('docker_socket', service, path)
    : {
        id: `bind:${service}:${path}`,
        service,
        kind: 'bind',
        words: `${readOnly ? 'reads' : 'reads and changes'} ${path} of this machine`,
      };

/** What every container has unless somebody takes it away. */
const ordinary = new Set([
  ...['AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'MKNOD', 'NET_BIND_SERVICE', 'NET_RAW'],
  ...['SETFCAP', 'SETGID', 'SETPCAP', 'SETUID', 'SYS_CHROOT'],
]);

export const capabilityDanger = (service: string, given: string): ToolboxDanger | null => {
  const capability = given.toUpperCase().replace(/^CAP_/, '');
  return ordinary.has(capability)
    ? null
    : { id: `capability:${service}:${capability}`, service, kind: 'capability', words: `gets the right ${capability}` };
};
