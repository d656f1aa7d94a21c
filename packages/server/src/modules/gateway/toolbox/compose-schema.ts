import { z } from 'zod';

/* The part of the Compose format that the toolbox takes. What is not named here is refused by its name. */

export interface ComposeProblem {
  path: string;
  message: string;
}

/** Values of variables are texts, wherever they stand. */
const scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const flag = z.union([
  z.boolean(),
  z.enum(['true', 'false', 'yes', 'no', 'on', 'off']).transform((text) => ['true', 'yes', 'on'].includes(text)),
]);
const number = z.union([
  z.number(),
  z
    .string()
    .regex(/^-?\d+(\.\d+)?$/, 'must be a number')
    .transform(Number),
]);
const words = z.union([z.string(), z.array(scalar)]);
const pairs = z.union([z.record(z.string(), scalar.nullable()), z.array(z.string())]);
const list = z.array(scalar).max(200);

const longPort = z.strictObject({
  target: scalar,
  published: scalar.optional(),
  protocol: z.enum(['tcp', 'udp']).optional(),
  host_ip: z.string().optional(),
  mode: z.enum(['host', 'ingress']).optional(),
  name: z.string().optional(),
  app_protocol: z.string().optional(),
});
const longMount = z.strictObject({
  type: z.enum(['volume', 'bind', 'tmpfs']),
  source: z.string().optional(),
  target: z.string(),
  read_only: flag.optional(),
  bind: z.strictObject({ create_host_path: flag.optional() }).optional(),
  volume: z.strictObject({ nocopy: flag.optional() }).optional(),
  tmpfs: z.strictObject({ size: scalar.optional() }).optional(),
});
const limits = z.strictObject({ memory: scalar.optional(), cpus: number.optional(), pids: number.optional() });

const service = z.strictObject({
  image: z.string().min(1).max(500),
  pull_policy: z.enum(['always', 'missing', 'if_not_present']).optional(),
  command: words.nullable().optional(),
  entrypoint: words.nullable().optional(),
  environment: pairs.optional(),
  ports: z
    .array(z.union([scalar, longPort]))
    .max(50)
    .optional(),
  expose: list.optional(),
  volumes: z
    .array(z.union([z.string(), longMount]))
    .max(50)
    .optional(),
  networks: z
    .union([
      z.array(z.string()),
      z.record(z.string(), z.strictObject({ aliases: z.array(z.string()).max(20).optional() }).nullable()),
    ])
    .optional(),
  network_mode: z.enum(['host', 'none']).optional(),
  depends_on: z
    .union([
      z.array(z.string()),
      z.record(
        z.string(),
        z.strictObject({
          condition: z
            .enum(['service_started', 'service_healthy', 'service_completed_successfully'])
            .default('service_started'),
          restart: flag.optional(),
          required: flag.optional(),
        }),
      ),
    ])
    .optional(),
  healthcheck: z
    .strictObject({
      test: words.optional(),
      interval: scalar.optional(),
      timeout: scalar.optional(),
      retries: number.optional(),
      start_period: scalar.optional(),
      start_interval: scalar.optional(),
      disable: flag.optional(),
    })
    .optional(),
  restart: z
    .string()
    .regex(/^(no|always|unless-stopped|on-failure(:\d{1,3})?)$/, 'must be no, always, unless-stopped or on-failure')
    .optional(),
  user: scalar.optional(),
  working_dir: z.string().optional(),
  hostname: z.string().max(63).optional(),
  cap_add: list.optional(),
  cap_drop: list.optional(),
  security_opt: list.optional(),
  privileged: flag.optional(),
  pid: z.literal('host').optional(),
  ipc: z.enum(['host', 'private', 'shareable']).optional(),
  devices: list.optional(),
  deploy: z
    .strictObject({
      resources: z.strictObject({ limits: limits.optional(), reservations: limits.optional() }).optional(),
    })
    .optional(),
  mem_limit: scalar.optional(),
  mem_reservation: scalar.optional(),
  cpus: number.optional(),
  pids_limit: number.optional(),
  labels: pairs.optional(),
  extra_hosts: pairs.optional(),
  tmpfs: z.union([z.string(), list]).optional(),
  ulimits: z.record(z.string(), z.union([number, z.strictObject({ soft: number, hard: number })])).optional(),
  stop_grace_period: scalar.optional(),
  stop_signal: z
    .string()
    .regex(/^[A-Z0-9+]{1,20}$/)
    .optional(),
  read_only: flag.optional(),
  shm_size: scalar.optional(),
  init: flag.optional(),
  tty: flag.optional(),
  stdin_open: flag.optional(),
  logging: z
    .strictObject({
      driver: z.enum(['json-file', 'local', 'none']).optional(),
      options: z.record(z.string(), scalar).optional(),
    })
    .optional(),
  configs: z
    .array(
      z.union([
        z.string(),
        z.strictObject({ source: z.string(), target: z.string().optional(), mode: scalar.optional() }),
      ]),
    )
    .max(20)
    .optional(),
});
export type ComposeService = z.infer<typeof service>;

const serviceName = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_-]{0,39}$/, 'must be letters, digits, - and _');
const partName = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,59}$/, 'must be letters, digits, ., - and _');
const most = (n: number) => (given: object) => Object.keys(given).length <= n;

export const composeSchema = z.strictObject({
  /** Old files have one; it means nothing any more. */
  version: scalar.optional(),
  /** The deployment has a name of its own. */
  name: z.string().optional(),
  services: z.record(serviceName, service).refine(most(20), 'must be at most 20'),
  volumes: z
    .record(partName, z.strictObject({ driver: z.literal('local').optional(), labels: pairs.optional() }).nullable())
    .refine(most(50), 'must be at most 50')
    .optional(),
  networks: z
    .record(
      partName,
      z
        .strictObject({ driver: z.literal('bridge').optional(), internal: flag.optional(), labels: pairs.optional() })
        .nullable(),
    )
    .refine(most(20), 'must be at most 20')
    .optional(),
  configs: z
    .record(partName, z.strictObject({ content: z.string().max(65_536) }))
    .refine(most(20), 'must be at most 20')
    .optional(),
});
export type ComposeDocument = z.infer<typeof composeSchema>;

/** Why well-known keys are not taken, and what to do instead. */
const refused: Readonly<Record<string, string>> = {
  build: 'images are not built here; name one in `image`',
  env_file: 'files of this machine are not read; write the values in `environment`',
  extends: 'a template is one file; write the service out',
  include: 'a template is one file',
  secrets: 'is not taken; use a variable, which is kept sealed',
  container_name: 'names are made of the name of the deployment',
  external: 'what belongs to others is not touched',
  profiles: 'every service of the file is deployed',
  scale: 'there is one container of each service',
  driver_opts: 'could mount any place of this machine',
  volumes_from: 'name the volume in both services',
  links: 'services of one network reach each other by their names',
};

const strange = (key: string): string =>
  refused[key] === undefined ? 'is a key that the toolbox does not know' : `is not taken: ${refused[key]}`;

type Issue = z.core.$ZodIssue;

/** Of the ways that a value could be meant, the one that was meant: it fails deepest. */
const meant = (ways: readonly Issue[][]): readonly Issue[] => {
  const depth = (issues: readonly Issue[]): number => {
    const depths = issues.map((issue) => issue.path.length + (issue.code === 'unrecognized_keys' ? 1 : 0));
    return Math.max(0, ...depths);
  };
  return ways.toSorted((a, b) => depth(b) - depth(a))[0] ?? [];
};

export const problemsOf = (issues: readonly Issue[], above: readonly PropertyKey[] = []): ComposeProblem[] =>
  issues.flatMap((issue): ComposeProblem[] => {
    const path = [...above, ...issue.path];
    const place = path.join('.');
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => ({ path: [...path, key].join('.'), message: strange(key) }));
    if (issue.code === 'invalid_union') {
      const inner = meant(issue.errors);
      if (inner.some((one) => one.path.length > 0 || one.code === 'unrecognized_keys')) return problemsOf(inner, path);
      return [{ path: place, message: 'has another form than Compose gives it' }];
    }
    if (issue.code === 'invalid_key') return [{ path: place, message: issue.issues[0]?.message ?? issue.message }];
    return [{ path: place, message: issue.message }];
  });
