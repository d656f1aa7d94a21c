import {
  type InputOf,
  type Operation,
  type OutputOf,
  type Script,
  type ScriptChain,
  type ScriptRun,
  type ScriptSchedule,
  scriptChainRunsList,
  scriptChainsList,
  scriptParameter,
  scriptRunsGet,
  scriptRunsList,
  scriptSchedulesList,
  scriptSchedulesPreview,
  scriptsAvailable,
  scriptsGet,
  scriptsList,
  toRequest,
} from '@atrium/protocol';
import { adminAnswers, ago } from './admin-answers.ts';
import { type Answers, me, problem } from './recorded-api.ts';

/* Scripts as a server answers them. Each answer is kept beside its operation, so that a test holds them against the contract. */

export const scriptRecords: { operation: Operation; input: unknown; body: unknown }[] = [];

const answer = <O extends Operation>(operation: O, input: InputOf<O>, body: OutputOf<O>): Answers => {
  scriptRecords.push({ operation, input, body });
  const { pathname } = new URL(toRequest(operation, input as Record<string, unknown>).path, 'http://localhost');
  return { [`${operation.method} ${pathname}`]: { status: operation.status, body } };
};

const id = (kind: number, index: number): string =>
  `01980000-e${kind}00-7000-8000-${index.toString(16).padStart(12, '0')}`;
const page = <T>(items: T[]) => ({ items, next_cursor: null });
const mara = { type: 'user' as const, id: me.user.id, name: me.user.name };
const agent = { type: 'agent' as const, id: id(9, 1), name: 'Release agent' };
const minute = 1;
const hour = 60;

const scriptOf = (index: number, change: Partial<Script> & { name: string; path: string }): Script => ({
  ...{ id: id(0, index), description: '', category: '', kind: 'sh', digest: 'a1f4'.repeat(16), size: 1824 },
  ...{ file: 'same', found_digest: null, timeout_s: 300, parameters: [], environment: [], scopes: [] },
  ...{ dry_run_command: null, image: null, max_parallel: 1, approver_id: null, version: 3 },
  ...{ created_by: mara, created_at: ago(40 * 24 * hour), updated_at: ago(3 * 24 * hour), last_run: null },
  ...change,
});

export const backupScript = scriptOf(1, {
  name: 'Back up the photos',
  path: 'backup/photos.sh',
  category: 'Backups',
  description: 'Copies the photo library to the disk in the cellar and checks what it copied.',
  timeout_s: 7200,
  environment: ['RESTIC_PASSWORD'],
  parameters: [
    scriptParameter.parse({
      ...{ name: 'TARGET', label: 'Where to', type: 'select', required: true, default: 'cellar' },
      options: [
        { value: 'cellar', label: 'Disk in the cellar' },
        { value: 'office', label: 'Server at the office' },
      ],
    }),
    scriptParameter.parse({ name: 'KEEP', label: 'Versions kept', type: 'number', min: 1, max: 365, default: 14 }),
    scriptParameter.parse({ name: 'PASSPHRASE', label: 'Passphrase of the archive', type: 'password', required: true }),
    scriptParameter.parse({
      ...{ name: 'VERIFY', label: 'Read everything back', type: 'boolean', default: true },
      description: 'Takes twice as long and finds disks that lie.',
    }),
  ],
  last_run: { id: id(1, 1), state: 'running', at: ago(2 * minute) },
});
const changedScript = scriptOf(2, {
  ...{ name: 'Renew the wildcard certificate', path: 'renew.py', kind: 'python', category: 'Certificates' },
  ...{ file: 'changed', found_digest: '77be'.repeat(16) },
  last_run: { id: id(1, 3), state: 'failed', at: ago(26 * hour) },
});
const longScript = scriptOf(3, {
  ...{
    name: 'Aufräumen der Zwischenablagen sämtlicher Außenstellen und Benachrichtigung der Verantwortlichen',
    path: 'a/b.sh',
  },
  ...{ approver_id: me.user.id, last_run: { id: id(1, 4), state: 'completed', at: ago(5 * hour) } },
});
const scripts = [
  backupScript,
  changedScript,
  longScript,
  scriptOf(4, { name: 'تنظيف السجلات', path: 'logs.sh', description: 'يحذف السجلات الأقدم من شهر' }),
  scriptOf(5, { name: 'Restart the media server', path: 'media', kind: 'program', category: 'Media' }),
];

const runOf = (index: number, change: Partial<ScriptRun>): ScriptRun => ({
  ...{ id: id(1, index), script_id: backupScript.id, script_name: backupScript.name, state: 'completed' },
  ...{ reason: null, detail: null, dry_run: false, approval: null, approver_id: null },
  ...{
    parameters: { TARGET: 'cellar', KEEP: 14, PASSPHRASE: '••••••' },
    runner: 'host',
    exit_code: 0,
    timeout_s: 7200,
  },
  ...{ output_bytes: 4210, output_cut: false, chain_run_id: null, position: null, schedule_id: null, due_at: null },
  ...{ started_by: mara, created_at: ago(index * 7 * hour), started_at: ago(index * 7 * hour) },
  ended_at: ago(index * 7 * hour - 1.55),
  ...change,
});
export const runningRun = runOf(1, {
  ...{ state: 'running', exit_code: null, ended_at: null, created_at: ago(2 * minute), started_at: ago(2 * minute) },
});
const runs = [
  runningRun,
  runOf(2, {
    state: 'pending',
    approval: 'waiting',
    approver_id: me.user.id,
    started_by: agent,
    started_at: null,
    ended_at: null,
    exit_code: null,
    script_id: longScript.id,
    script_name: longScript.name,
  }),
  runOf(3, {
    state: 'failed',
    reason: 'exit',
    detail: 'It ended with status 3.',
    exit_code: 3,
    script_id: changedScript.id,
    script_name: changedScript.name,
  }),
  runOf(4, { schedule_id: id(3, 1), due_at: ago(28 * hour) }),
  runOf(5, {
    state: 'failed',
    reason: 'interrupted',
    detail: 'The server went away while it ran. It was not started again.',
    exit_code: null,
  }),
  runOf(6, {
    state: 'timeout',
    reason: 'timeout',
    detail: 'It ran longer than 7200 seconds and was ended with everything it had started.',
    exit_code: null,
  }),
  runOf(7, { dry_run: true }),
];
const written = [
  { stream: 'stdout', text: 'opening repository /mnt/cellar with ••••••\n' },
  {
    stream: 'stdout',
    text: 'scan finished: 48,213 files, 912.4 GiB\nphotos/2026/11/lake.raw\nphotos/2026/11/lake.jpg\n',
  },
  { stream: 'stderr', text: 'warning: photos/2019/scan-004.tif: size changed while it was read\n' },
  { stream: 'stdout', text: '[0:42] 12.83%  6,184 files 117.0 GiB, 0 errors, ETA 4:45\n' },
] as const;
const output = written.map((part, index) => ({
  event: 'output',
  id: String(index + 1),
  data: { seq: index + 1, ...part, at: ago(minute) },
}));

const soon = (days: number): string => new Date(Date.parse(ago(0)) + days * 86_400_000).toISOString();
const next_times = [1, 2, 3, 4, 5].map(soon);
const schedule: ScriptSchedule = {
  ...{ id: id(3, 1), name: 'Every night', script_id: backupScript.id, chain_id: null, runs_name: backupScript.name },
  ...{ parameters: { TARGET: 'cellar', PASSPHRASE: '••••••' }, cron: '30 2 * * *', time_zone: 'Europe/Berlin' },
  ...{ paused: false, paused_reason: null, next_times, last_due_at: ago(8 * hour), last_outcome: 'started' as const },
  ...{ last_detail: null, version: 1, created_by: mara, created_at: ago(50 * hour), updated_at: ago(50 * hour) },
};
const chain: ScriptChain = {
  ...{ id: id(2, 1), name: 'Sunday maintenance', description: '', version: 2, created_by: mara },
  steps: [
    {
      script_id: backupScript.id,
      script_name: backupScript.name,
      parameters: { TARGET: 'office', PASSPHRASE: '••••••' },
      on_failure: 'stop' as const,
    },
    { script_id: longScript.id, script_name: longScript.name, parameters: {}, on_failure: 'continue' as const },
    { script_id: id(0, 5), script_name: 'Restart the media server', parameters: {}, on_failure: 'stop' as const },
  ],
  ...{ created_at: ago(90 * hour), updated_at: ago(80 * hour) },
};

export const scriptsOwn: Answers = {
  ...answer(scriptsList, {}, page(scripts)),
  ...answer(scriptsGet, { id: backupScript.id }, backupScript),
  ...answer(scriptsGet, { id: changedScript.id }, changedScript),
  ...answer(scriptRunsList, {}, page(runs)),
  ...answer(scriptRunsGet, { id: runningRun.id }, runningRun),
  [`GET /api/v1/script-runs/${runningRun.id}/stream`]: { body: null, events: output },
  ...answer(scriptChainsList, {}, page([chain])),
  ...answer(
    scriptChainRunsList,
    {},
    page([
      {
        ...{
          id: id(4, 1),
          chain_id: chain.id,
          chain_name: chain.name,
          state: 'completed' as const,
          steps: 3,
          failed_steps: 1,
        },
        runs: [
          { id: id(1, 8), position: 1, script_name: backupScript.name, state: 'completed' as const },
          { id: id(1, 9), position: 2, script_name: longScript.name, state: 'failed' as const },
          { id: id(1, 10), position: 3, script_name: 'Restart the media server', state: 'completed' as const },
        ],
        ...{ schedule_id: null, due_at: null, started_by: mara, created_at: ago(30 * hour), ended_at: ago(29 * hour) },
      },
    ]),
  ),
  ...answer(
    scriptSchedulesList,
    {},
    page([
      schedule,
      {
        ...schedule,
        ...{
          id: id(3, 2),
          name: 'Sundays',
          script_id: null,
          chain_id: chain.id,
          runs_name: chain.name,
          cron: '0 9 * * 0',
        },
        ...{
          paused: true,
          paused_reason: 'Whoever made it may not run scripts any more.',
          next_times: [],
          parameters: {},
        },
        ...{ last_outcome: 'refused' as const, last_detail: 'Whoever made it may not run scripts any more.' },
      },
    ]),
  ),
  ...answer(scriptSchedulesPreview, { cron: '0 3 * * *', time_zone: 'UTC' }, { next_times }),
  ...answer(
    scriptsAvailable,
    {},
    {
      ...{
        directory: '/srv/scripts',
        runner: 'host',
        default_timeout_s: 300,
        max_output_bytes: 10_485_760,
        left_out: 0,
      },
      files: [
        {
          path: 'backup/photos.sh',
          kind: 'sh',
          size: 1824,
          digest: backupScript.digest,
          refused: null,
          script_ids: [backupScript.id],
        },
        {
          path: 'notes.txt',
          kind: null,
          size: 0,
          digest: null,
          refused: 'notes.txt cannot be a script.',
          script_ids: [],
        },
      ],
    },
  ),
};

export const changedId = changedScript.id;
export const scriptsAnswers: Answers = { ...adminAnswers, ...scriptsOwn };
const off = problem(404, 'feature_disabled', 'Switched off', 'Scripts are switched off.', { key: 'scripts.enabled' });
export const scriptsOff: Answers = { ...adminAnswers, 'GET /api/v1/scripts': off };
export const noScripts: Answers = {
  ...scriptsAnswers,
  'GET /api/v1/scripts': { body: page([]) },
  'GET /api/v1/script-chains': { body: page([]) },
  'GET /api/v1/script-schedules': { body: page([]) },
};
