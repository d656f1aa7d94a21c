import { z } from 'zod';
import { actor, byId, defineOperation, id, noInput, nothing, page, pageInput, time } from './operation.ts';

/* Files of the operator that people and agents may run, with typed parameters; chains of them, and schedules. */

export const scriptParameterTypes = ['text', 'password', 'number', 'boolean', 'select'] as const;
export const scriptRunStates = ['pending', 'running', 'completed', 'failed', 'timeout', 'cancelled'] as const;
export const scriptChainStates = ['running', 'completed', 'failed', 'cancelled'] as const;
export const scriptFailureRules = ['stop', 'continue'] as const;

/** Limits of what a script is given and of what it may take. */
export const scriptLimits = {
  parameters: 50,
  value_bytes: 65_536,
  values_bytes: 262_144,
  timeout_s: 86_400,
  steps: 50,
  wait_s: 600,
} as const;

const line = z.string().regex(/^[^\p{Cc}]*$/u, 'must not contain control characters');
const name = line.trim().min(1).max(100);
const description = z.string().trim().max(2000);
const variable = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'must be a name of a variable: letters, digits and underscores');

export const scriptParameter = z.strictObject({
  name: variable.describe('of the environment variable that the script reads'),
  label: line.trim().max(100).default(''),
  description: line.trim().max(500).default(''),
  type: z.enum(scriptParameterTypes),
  required: z.boolean().default(false),
  default: z
    .union([z.string().max(4000), z.number(), z.boolean()])
    .nullable()
    .default(null)
    .describe('passwords have none'),
  min: z.number().nullable().default(null).describe('of a number; of a text its least length'),
  max: z.number().nullable().default(null).describe('of a number; of a text its greatest length'),
  pattern: z.string().max(500).nullable().default(null).describe('RE2; the whole text must match'),
  options: z
    .array(z.strictObject({ value: z.string().max(500), label: line.trim().max(100).default('') }))
    .max(100)
    .default([])
    .describe('of a select'),
});
export type ScriptParameter = z.output<typeof scriptParameter>;

export const scriptValues = z
  .record(z.string().max(64), z.union([z.string(), z.number(), z.boolean()]))
  .describe('by name of the parameter');
export type ScriptValues = z.output<typeof scriptValues>;

const path = z.string().min(1).max(500).describe('below the directory of scripts, with slashes');
const argumentsOf = z
  .array(z.string().min(1).max(1000))
  .min(1)
  .max(30)
  .describe('a program and its arguments; `{script}` stands for the file. No shell reads it');
const timeout = z.int().min(1).max(scriptLimits.timeout_s).describe('seconds');

const fields = {
  name,
  description: description.default(''),
  category: line.trim().max(50).default(''),
  path,
  timeout_s: timeout.optional().describe('seconds; without it the one of the configuration'),
  parameters: z.array(scriptParameter).max(scriptLimits.parameters).default([]),
  environment: z
    .record(variable, z.string().max(4000))
    .default({})
    .describe('further variables, kept encrypted and never shown again'),
  scopes: z.array(z.string().min(1).max(100)).max(20).default([]).describe('what a token needs beside `scripts:run`'),
  dry_run_command: argumentsOf.nullable().default(null),
  image: line
    .trim()
    .min(1)
    .max(300)
    .nullable()
    .default(null)
    .describe('of the container; without it one that fits the kind of file'),
  max_parallel: z.int().min(1).max(4).default(1).describe('runs of it at once; further ones wait'),
  approver_id: id.nullable().default(null).describe('the person who has to agree in the inbox before each run'),
};

export const script = z.object({
  id,
  name: z.string(),
  description: z.string(),
  category: z.string(),
  path: z.string(),
  kind: z.enum(['sh', 'bash', 'python', 'program']),
  digest: z.string().describe('SHA-256 of the bytes that an operator agreed to'),
  size: z.int(),
  file: z
    .enum(['same', 'changed', 'missing', 'refused'])
    .describe('how the file is now; one that is not the same does not run'),
  found_digest: z.string().nullable().describe('of a changed file'),
  timeout_s: z.int(),
  parameters: z.array(scriptParameter),
  environment: z.array(z.string()).describe('names of the further variables'),
  scopes: z.array(z.string()),
  dry_run_command: z.array(z.string()).nullable(),
  image: z.string().nullable(),
  max_parallel: z.int(),
  approver_id: id.nullable(),
  version: z.int(),
  created_by: actor,
  created_at: time,
  updated_at: time,
  last_run: z
    .object({ id, state: z.enum(scriptRunStates), at: time })
    .nullable()
    .describe('of those that you may see'),
});
export type Script = z.infer<typeof script>;

export const scriptRun = z.object({
  id,
  script_id: id.nullable().describe('null once the script was deleted'),
  script_name: z.string(),
  state: z.enum(scriptRunStates),
  reason: z
    .string()
    .nullable()
    .describe('why it ended so: `exit`, `signal`, `interrupted`, `script_changed`, `cancelled`, `rejected`, …'),
  detail: z.string().nullable(),
  dry_run: z.boolean(),
  approval: z.enum(['waiting', 'approved', 'rejected']).nullable(),
  approver_id: id.nullable(),
  parameters: scriptValues.describe('as they were given; passwords are masked'),
  runner: z.enum(['host', 'container']).nullable(),
  exit_code: z.int().nullable(),
  timeout_s: z.int(),
  output_bytes: z.number(),
  output_cut: z.boolean().describe('there was more output than is kept'),
  chain_run_id: id.nullable(),
  position: z.int().nullable().describe('of the step, from 1'),
  schedule_id: id.nullable(),
  due_at: time.nullable(),
  started_by: actor,
  created_at: time,
  started_at: time.nullable(),
  ended_at: time.nullable(),
});
export type ScriptRun = z.infer<typeof scriptRun>;

export const scriptOutputPart = z.object({
  seq: z.int(),
  stream: z.enum(['stdout', 'stderr', 'note']).describe('a note is of the server'),
  text: z.string(),
  at: time,
});
export type ScriptOutputPart = z.infer<typeof scriptOutputPart>;

const uses = { access: 'signed_in', scope: 'scripts:run', permission: 'scripts.run' } as const;
const writes = { access: 'signed_in', scope: 'gateway:write', permission: 'scripts.write', operator: true } as const;
const offOr = <const E extends readonly string[]>(...codes: E) => ['feature_disabled', ...codes] as const;

const runLimit = 4 * 1024 * 1024;

export const scriptsAvailable = defineOperation({
  ...writes,
  name: 'scripts.available',
  summary: 'List files that could be registered as scripts',
  method: 'GET',
  path: '/api/v1/scripts/available',
  input: noInput,
  output: z.object({
    directory: z.string(),
    runner: z.enum(['host', 'container']),
    default_timeout_s: z.int(),
    max_output_bytes: z.number(),
    files: z.array(
      z.object({
        path: z.string(),
        kind: z.enum(['sh', 'bash', 'python', 'program']).nullable(),
        size: z.int(),
        digest: z.string().nullable(),
        refused: z.string().nullable().describe('why it cannot be registered'),
        script_ids: z.array(id).describe('scripts of this organisation that run it already'),
      }),
    ),
    left_out: z.int().describe('files beyond the first thousand'),
  }),
  status: 200,
  errors: offOr(),
});

export const scriptsList = defineOperation({
  ...uses,
  name: 'scripts.list',
  summary: 'List registered scripts',
  description: 'Each with its parameters, and whether its file is still the one that an operator agreed to.',
  method: 'GET',
  path: '/api/v1/scripts',
  input: z.strictObject({
    q: z.string().trim().max(200).optional().describe('part of a name, description or category'),
    ...pageInput,
  }),
  output: page(script),
  status: 200,
  errors: offOr('bad_request'),
  mcp: { tool: 'scripts_list', title: 'Scripts', read_only: true },
});
export const scriptsGet = defineOperation({
  ...uses,
  name: 'scripts.get',
  summary: 'Show one script',
  method: 'GET',
  path: '/api/v1/scripts/{id}',
  input: byId,
  output: script,
  status: 200,
  errors: offOr('not_found'),
  mcp: { tool: 'scripts_get', title: 'One script', read_only: true },
});
export const scriptsRegister = defineOperation({
  ...writes,
  name: 'scripts.register',
  summary: 'Make a file of the directory a script that can be run',
  description: 'Its digest is kept: when the file changes, it does not run until somebody confirms the change.',
  method: 'POST',
  path: '/api/v1/scripts',
  input: z.strictObject(fields),
  output: script,
  status: 201,
  errors: offOr('name_taken', 'validation_failed', 'script_file_refused'),
  idempotency: 'header',
});
export const scriptsUpdate = defineOperation({
  ...writes,
  name: 'scripts.update',
  summary: 'Change a script',
  description: 'Another `path` is another file, whose digest is kept anew. `environment` replaces what there was.',
  method: 'PATCH',
  path: '/api/v1/scripts/{id}',
  input: z.strictObject({
    id,
    version: z.int().min(1).optional().describe('refused when it is no longer this one'),
    name: name.optional(),
    description: description.optional(),
    category: line.trim().max(50).optional(),
    path: path.optional(),
    timeout_s: timeout.optional(),
    parameters: z.array(scriptParameter).max(scriptLimits.parameters).optional(),
    environment: z.record(variable, z.string().max(4000)).optional(),
    scopes: z.array(z.string().min(1).max(100)).max(20).optional(),
    dry_run_command: argumentsOf.nullable().optional(),
    image: line.trim().min(1).max(300).nullable().optional(),
    max_parallel: z.int().min(1).max(4).optional(),
    approver_id: id.nullable().optional(),
  }),
  output: script,
  status: 200,
  errors: offOr('not_found', 'name_taken', 'generation_conflict', 'validation_failed', 'script_file_refused'),
});
export const scriptsConfirm = defineOperation({
  ...writes,
  name: 'scripts.confirm',
  summary: 'Agree to a changed file',
  description: 'Name the digest that you have looked at: when the file has changed again, nothing is agreed to.',
  method: 'POST',
  path: '/api/v1/scripts/{id}/confirm',
  input: z.strictObject({ id, digest: z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hexadecimal') }),
  output: script,
  status: 200,
  errors: offOr('not_found', 'script_changed', 'script_file_refused'),
});
export const scriptsDelete = defineOperation({
  ...writes,
  name: 'scripts.delete',
  summary: 'Remove a script; its file stays, and so do its runs for their time',
  method: 'DELETE',
  path: '/api/v1/scripts/{id}',
  input: byId,
  output: nothing,
  status: 204,
  errors: offOr('not_found', 'in_use'),
});
const runInput = z.strictObject({
  id,
  parameters: scriptValues.default({}),
  wait_s: z
    .int()
    .min(0)
    .max(scriptLimits.wait_s)
    .default(0)
    .describe('seconds to wait for its end; the answer is the run as it is then'),
});
const runErrors = [
  'not_found',
  'insufficient_scope',
  'script_changed',
  'script_file_refused',
  'validation_failed',
  'too_many_waits',
  'script_queue_full',
] as const;
export const scriptsRun = defineOperation({
  ...uses,
  name: 'scripts.run',
  summary: 'Run a script',
  description:
    'Values reach the script as environment variables, never through a shell. The answer is the run; read its output with `script_runs.output`.',
  method: 'POST',
  path: '/api/v1/scripts/{id}/run',
  input: runInput,
  output: scriptRun,
  status: 201,
  errors: offOr(...runErrors),
  idempotency: 'header',
  body_limit: runLimit,
  mcp: { tool: 'scripts_run', title: 'Run a script', destructive: true, open_world: true },
});
export const scriptsDryRun = defineOperation({
  ...uses,
  name: 'scripts.dry_run',
  summary: 'Try a script: it gets DRY_RUN=true, or its dry-run command runs instead',
  description: 'Whether nothing happens is up to the script, which has to look at DRY_RUN.',
  method: 'POST',
  path: '/api/v1/scripts/{id}/dry-run',
  input: runInput,
  output: scriptRun,
  status: 201,
  errors: offOr(...runErrors),
  idempotency: 'header',
  body_limit: runLimit,
  mcp: { tool: 'scripts_dry_run', title: 'Try a script', destructive: true, open_world: true },
});

export const scriptRunsList = defineOperation({
  ...uses,
  name: 'script_runs.list',
  summary: 'List runs, newest first',
  description: 'Your own; all of the organisation when you may write scripts.',
  method: 'GET',
  path: '/api/v1/script-runs',
  input: z.strictObject({
    script_id: id.optional(),
    chain_run_id: id.optional(),
    schedule_id: id.optional(),
    state: z.enum(scriptRunStates).optional(),
    ...pageInput,
  }),
  output: page(scriptRun),
  status: 200,
  errors: offOr('bad_request'),
  mcp: { tool: 'script_runs_list', title: 'Runs of scripts', read_only: true },
});
export const scriptRunsGet = defineOperation({
  ...uses,
  name: 'script_runs.get',
  summary: 'Show one run',
  method: 'GET',
  path: '/api/v1/script-runs/{id}',
  input: byId,
  output: scriptRun,
  status: 200,
  errors: offOr('not_found'),
  mcp: { tool: 'script_runs_get', title: 'One run of a script', read_only: true },
});
export const scriptRunsOutput = defineOperation({
  ...uses,
  name: 'script_runs.output',
  summary: 'Read the output of a run from where you were',
  description: 'Parts in order. Ask again with `next` as `after` until `state` is an end and `more` is false.',
  method: 'GET',
  path: '/api/v1/script-runs/{id}/output',
  input: z.strictObject({
    id,
    after: z.int().min(0).default(0).describe('`next` of the answer before'),
    limit: z.int().min(1).max(500).default(100).describe('parts of at most 16 KiB each'),
  }),
  output: z.object({
    parts: z.array(scriptOutputPart),
    next: z.int(),
    more: z.boolean(),
    state: z.enum(scriptRunStates),
  }),
  status: 200,
  errors: offOr('not_found'),
  mcp: { tool: 'script_runs_output', title: 'Output of a run', read_only: true },
});
export const scriptRunsStream = defineOperation({
  ...uses,
  name: 'script_runs.stream',
  summary: 'Follow the output of a run as server-sent events',
  description:
    'Each event `output` is a part and carries its number as id; `state` is the run, at first, when it starts and when it has ended, which ends the stream.',
  method: 'GET',
  path: '/api/v1/script-runs/{id}/stream',
  input: z.strictObject({
    id,
    since: z
      .string()
      .regex(/^\d{1,9}$/)
      .optional()
      .describe('number of the last part you have'),
  }),
  output: z.unknown(),
  status: 200,
  errors: offOr('not_found', 'too_many_waits'),
  answer: 'stream',
});
export const scriptRunsCancel = defineOperation({
  ...uses,
  name: 'script_runs.cancel',
  summary: 'End a run: the script and everything it started is killed',
  method: 'POST',
  path: '/api/v1/script-runs/{id}/cancel',
  input: byId,
  output: scriptRun,
  status: 200,
  errors: offOr('not_found', 'script_run_ended'),
  mcp: { tool: 'script_runs_cancel', title: 'Cancel a run', destructive: true, idempotent: true },
});

const stepInput = z.strictObject({
  script_id: id,
  parameters: scriptValues.default({}).describe('a password that is left out keeps the value it had at this place'),
  on_failure: z.enum(scriptFailureRules).default('stop'),
});
export const scriptChain = z.object({
  id,
  name: z.string(),
  description: z.string(),
  steps: z.array(
    z.object({
      script_id: id,
      script_name: z.string(),
      parameters: scriptValues.describe('passwords are masked'),
      on_failure: z.enum(scriptFailureRules),
    }),
  ),
  version: z.int(),
  created_by: actor,
  created_at: time,
  updated_at: time,
});
export type ScriptChain = z.infer<typeof scriptChain>;

export const scriptChainRun = z.object({
  id,
  chain_id: id.nullable(),
  chain_name: z.string(),
  state: z.enum(scriptChainStates),
  steps: z.int(),
  failed_steps: z.int().describe('also those after which it went on'),
  runs: z.array(z.object({ id, position: z.int(), script_name: z.string(), state: z.enum(scriptRunStates) })),
  schedule_id: id.nullable(),
  due_at: time.nullable(),
  started_by: actor,
  created_at: time,
  ended_at: time.nullable(),
});
export type ScriptChainRun = z.infer<typeof scriptChainRun>;

const steps = z.array(stepInput).min(1).max(scriptLimits.steps);
export const scriptChainsList = defineOperation({
  ...uses,
  name: 'script_chains.list',
  summary: 'List chains of scripts',
  method: 'GET',
  path: '/api/v1/script-chains',
  input: z.strictObject({ ...pageInput }),
  output: page(scriptChain),
  status: 200,
  errors: offOr('bad_request'),
  mcp: { tool: 'script_chains_list', title: 'Chains of scripts', read_only: true },
});
export const scriptChainsGet = defineOperation({
  ...uses,
  name: 'script_chains.get',
  summary: 'Show one chain',
  method: 'GET',
  path: '/api/v1/script-chains/{id}',
  input: byId,
  output: scriptChain,
  status: 200,
  errors: offOr('not_found'),
});
export const scriptChainsCreate = defineOperation({
  ...writes,
  name: 'script_chains.create',
  summary: 'Make a chain: scripts that run one after another',
  method: 'POST',
  path: '/api/v1/script-chains',
  input: z.strictObject({ name, description: description.default(''), steps }),
  output: scriptChain,
  status: 201,
  errors: offOr('name_taken', 'validation_failed'),
  idempotency: 'header',
});
export const scriptChainsUpdate = defineOperation({
  ...writes,
  name: 'script_chains.update',
  summary: 'Change a chain; what runs goes on as it began',
  method: 'PATCH',
  path: '/api/v1/script-chains/{id}',
  input: z.strictObject({
    id,
    version: z.int().min(1).optional(),
    name: name.optional(),
    description: description.optional(),
    steps: steps.optional(),
  }),
  output: scriptChain,
  status: 200,
  errors: offOr('not_found', 'name_taken', 'generation_conflict', 'validation_failed'),
});
export const scriptChainsDelete = defineOperation({
  ...writes,
  name: 'script_chains.delete',
  summary: 'Remove a chain',
  method: 'DELETE',
  path: '/api/v1/script-chains/{id}',
  input: byId,
  output: nothing,
  status: 204,
  errors: offOr('not_found', 'in_use'),
});
export const scriptChainsRun = defineOperation({
  ...uses,
  name: 'script_chains.run',
  summary: 'Run a chain',
  method: 'POST',
  path: '/api/v1/script-chains/{id}/run',
  input: byId,
  output: scriptChainRun,
  status: 201,
  errors: offOr(
    'not_found',
    'insufficient_scope',
    'script_changed',
    'script_file_refused',
    'validation_failed',
    'script_queue_full',
  ),
  idempotency: 'header',
  mcp: { tool: 'script_chains_run', title: 'Run a chain', destructive: true, open_world: true },
});
export const scriptChainRunsList = defineOperation({
  ...uses,
  name: 'script_chain_runs.list',
  summary: 'List runs of chains, newest first',
  method: 'GET',
  path: '/api/v1/script-chain-runs',
  input: z.strictObject({ chain_id: id.optional(), ...pageInput }),
  output: page(scriptChainRun),
  status: 200,
  errors: offOr('bad_request'),
});
export const scriptChainRunsGet = defineOperation({
  ...uses,
  name: 'script_chain_runs.get',
  summary: 'Show one run of a chain',
  method: 'GET',
  path: '/api/v1/script-chain-runs/{id}',
  input: byId,
  output: scriptChainRun,
  status: 200,
  errors: offOr('not_found'),
  mcp: { tool: 'script_chain_runs_get', title: 'One run of a chain', read_only: true },
});
export const scriptChainRunsCancel = defineOperation({
  ...uses,
  name: 'script_chain_runs.cancel',
  summary: 'End a run of a chain: the step that runs is killed, and none follows',
  method: 'POST',
  path: '/api/v1/script-chain-runs/{id}/cancel',
  input: byId,
  output: scriptChainRun,
  status: 200,
  errors: offOr('not_found', 'script_run_ended'),
});

export const scriptSchedule = z.object({
  id,
  name: z.string(),
  script_id: id.nullable(),
  chain_id: id.nullable(),
  runs_name: z.string().describe('of the script or chain'),
  parameters: scriptValues.describe('passwords are masked'),
  cron: z.string(),
  time_zone: z.string(),
  paused: z.boolean(),
  paused_reason: z.string().nullable().describe('why it paused by itself'),
  next_times: z.array(time).describe('the next five; none while it is paused'),
  last_due_at: time.nullable(),
  last_outcome: z.enum(['started', 'still_running', 'refused']).nullable(),
  last_detail: z.string().nullable(),
  version: z.int(),
  created_by: actor.describe('as whom it runs'),
  created_at: time,
  updated_at: time,
});
export type ScriptSchedule = z.infer<typeof scriptSchedule>;
const cron = z.string().trim().min(9).max(200).describe('five fields: minute, hour, day of month, month, day of week');
const zone = z.string().trim().min(1).max(64).describe('such as Europe/Berlin');

export const scriptSchedulesList = defineOperation({
  ...uses,
  name: 'script_schedules.list',
  summary: 'List schedules of scripts and chains',
  method: 'GET',
  path: '/api/v1/script-schedules',
  input: z.strictObject({ ...pageInput }),
  output: page(scriptSchedule),
  status: 200,
  errors: offOr('bad_request'),
  mcp: { tool: 'script_schedules_list', title: 'Schedules of scripts', read_only: true },
});
export const scriptSchedulesGet = defineOperation({
  ...uses,
  name: 'script_schedules.get',
  summary: 'Show one schedule',
  method: 'GET',
  path: '/api/v1/script-schedules/{id}',
  input: byId,
  output: scriptSchedule,
  status: 200,
  errors: offOr('not_found'),
});
export const scriptSchedulesPreview = defineOperation({
  ...uses,
  name: 'script_schedules.preview',
  summary: 'Tell the next times of a cron line, without keeping it',
  method: 'GET',
  path: '/api/v1/script-schedules/preview',
  input: z.strictObject({ cron, time_zone: zone.default('UTC') }),
  output: z.object({ next_times: z.array(time) }),
  status: 200,
  errors: offOr('validation_failed'),
});
export const scriptSchedulesCreate = defineOperation({
  ...writes,
  name: 'script_schedules.create',
  summary: 'Run a script or a chain at times',
  description:
    'It runs as whoever made it. After an outage one missed time at most is made up for; a time is skipped while its last run goes on.',
  method: 'POST',
  path: '/api/v1/script-schedules',
  input: z.strictObject({
    name,
    script_id: id.nullable().default(null),
    chain_id: id.nullable().default(null).describe('either this or a script'),
    parameters: scriptValues.default({}).describe('of the script'),
    cron,
    time_zone: zone.default('UTC'),
    paused: z.boolean().default(false),
  }),
  output: scriptSchedule,
  status: 201,
  errors: offOr('name_taken', 'validation_failed'),
  idempotency: 'header',
});
export const scriptSchedulesUpdate = defineOperation({
  ...writes,
  name: 'script_schedules.update',
  summary: 'Change, pause or resume a schedule',
  description: 'Times that passed while it was paused are not made up for.',
  method: 'PATCH',
  path: '/api/v1/script-schedules/{id}',
  input: z.strictObject({
    id,
    version: z.int().min(1).optional(),
    name: name.optional(),
    parameters: scriptValues.optional().describe('a password that is left out stays as it was'),
    cron: cron.optional(),
    time_zone: zone.optional(),
    paused: z.boolean().optional(),
  }),
  output: scriptSchedule,
  status: 200,
  errors: offOr('not_found', 'name_taken', 'generation_conflict', 'validation_failed'),
});
export const scriptSchedulesDelete = defineOperation({
  ...writes,
  name: 'script_schedules.delete',
  summary: 'Remove a schedule',
  method: 'DELETE',
  path: '/api/v1/script-schedules/{id}',
  input: byId,
  output: nothing,
  status: 204,
  errors: offOr('not_found'),
});

export const scriptOperations = [
  scriptsAvailable,
  scriptsList,
  scriptsGet,
  scriptsRegister,
  scriptsUpdate,
  scriptsConfirm,
  scriptsDelete,
  scriptsRun,
  scriptsDryRun,
  scriptRunsList,
  scriptRunsGet,
  scriptRunsOutput,
  scriptRunsStream,
  scriptRunsCancel,
  scriptChainsList,
  scriptChainsGet,
  scriptChainsCreate,
  scriptChainsUpdate,
  scriptChainsDelete,
  scriptChainsRun,
  scriptChainRunsList,
  scriptChainRunsGet,
  scriptChainRunsCancel,
  scriptSchedulesList,
  scriptSchedulesGet,
  scriptSchedulesPreview,
  scriptSchedulesCreate,
  scriptSchedulesUpdate,
  scriptSchedulesDelete,
] as const;
