import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { ServiceAddress } from '../../../platform/net/service-client.ts';

export interface ClusterAccess {
  address: ServiceAddress;
  /** Whether names and addresses inside the cluster are reached from here. */
  inside: boolean;
  /** Namespace of the context, for a role that sees no other. */
  namespace: string | null;
}

const accountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

const defaultFile = (): string => join(homedir(), '.kube', 'config');

/** Where access to a cluster would come from; null when there is none. */
export const kubeconfigPath = (named: string | null): string | null => {
  if (named !== null) return resolve(named);
  if (existsSync(join(accountFolder, 'token'))) return accountFolder;
  return existsSync(defaultFile()) ? defaultFile() : null;
};

interface Named<T> {
  name?: string;
  cluster?: T;
  user?: T;
  context?: T;
}

interface Kubeconfig {
  'current-context'?: string;
  clusters?: Named<Record<string, unknown>>[];
  users?: Named<Record<string, unknown>>[];
  contexts?: Named<Record<string, unknown>>[];
}

const inCluster = (): ClusterAccess => ({
  address: {
    origin: 'https://kubernetes.default.svc',
    tls: { ca: readFileSync(join(accountFolder, 'ca.crt')), verify: true },
    // The kubelet renews the token every hour.
    headers: async () => ({ authorization: `Bearer ${readFileSync(join(accountFolder, 'token'), 'utf8').trim()}` }),
  },
  inside: true,
  namespace: null,
});

const named = <T>(list: Named<T>[] | undefined, name: unknown, key: 'cluster' | 'user' | 'context'): T => {
  const found = list?.find((one) => one.name === name)?.[key];
  if (found === undefined) throw new Error(`the kubeconfig has no ${key} "${String(name)}"`);
  return found;
};

/** Reads a kubeconfig, or the account that a pod is given. Programs that make tokens are not run. */
export const readClusterAccess = async (path: string, context: string | null): Promise<ClusterAccess> => {
  if (path === accountFolder) return inCluster();
  const { parse } = await import('yaml');
  const config = (parse(readFileSync(path, 'utf8')) ?? {}) as Kubeconfig;
  const chosen = named(config.contexts, context ?? config['current-context'], 'context');
  const cluster = named(config.clusters, chosen['cluster'], 'cluster');
  const user = named(config.users, chosen['user'], 'user');
  const text = (from: Record<string, unknown>, key: string): string | undefined =>
    typeof from[key] === 'string' && from[key] !== '' ? (from[key] as string) : undefined;
  const fileOf = (name: string) => resolve(dirname(path), name);
  const pem = (from: Record<string, unknown>, key: string): Buffer | undefined => {
    const inline = text(from, `${key}-data`);
    const file = text(from, key);
    if (inline !== undefined) return Buffer.from(inline, 'base64');
    return file === undefined ? undefined : readFileSync(fileOf(file));
  };
  if (user['exec'] !== undefined || user['auth-provider'] !== undefined) {
    throw new Error('the kubeconfig wants a program to make its token, which Atrium does not run; give it a token');
  }
  const server = text(cluster, 'server');
  if (server === undefined) throw new Error('the kubeconfig names no server');
  const token = text(user, 'token');
  const tokenFile = text(user, 'tokenFile');
  const [name, password] = [text(user, 'username'), text(user, 'password')];
  const authorization = (): string | null => {
    if (tokenFile !== undefined) return `Bearer ${readFileSync(fileOf(tokenFile), 'utf8').trim()}`;
    if (token !== undefined) return `Bearer ${token}`;
    if (name === undefined) return null;
    return `Basic ${Buffer.from(`${name}:${password ?? ''}`).toString('base64')}`;
  };
  return {
    address: {
      origin: new URL(server).origin,
      tls: {
        ca: pem(cluster, 'certificate-authority'),
        cert: pem(user, 'client-certificate'),
        key: pem(user, 'client-key'),
        verify: cluster['insecure-skip-tls-verify'] !== true,
      },
      headers: async (): Promise<Record<string, string>> => {
        const value = authorization();
        return value === null ? {} : { authorization: value };
      },
    },
    inside: false,
    namespace: text(chosen, 'namespace') ?? null,
  };
};
