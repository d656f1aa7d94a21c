import type { Actor, ScriptParameter, ScriptRun, ScriptValues } from '@atrium/protocol';

export type RunState = ScriptRun['state'];
export type FailureRule = 'stop' | 'continue';

interface Made {
  created_by_type: Actor['type'];
  created_by_id: string | null;
  created_by_name: string;
  created_at: Date;
  updated_at: Date;
}

export interface ScriptRow extends Made {
  id: string;
  org_id: string;
  name: string;
  description: string;
  category: string;
  path: string;
  digest: string;
  size: number;
  timeout_s: number;
  parameters: ScriptParameter[];
  environment: string | null;
  environment_names: string[];
  scopes: string[];
  dry_run_command: string[] | null;
  image: string | null;
  max_parallel: number;
  approver_id: string | null;
  version: number;
}

export interface LastRun {
  script_id: string;
  id: string;
  state: RunState;
  created_at: Date;
}

export interface RunRow {
  id: string;
  org_id: string;
  script_id: string | null;
  script_name: string;
  state: RunState;
  reason: string | null;
  detail: string | null;
  dry_run: boolean;
  ready: boolean;
  approval: 'waiting' | 'approved' | 'rejected' | null;
  approver_id: string | null;
  parameters: ScriptValues;
  secrets: string | null;
  digest: string;
  timeout_s: number;
  max_parallel: number;
  runner: 'host' | 'container' | null;
  holder: string | null;
  /** How often its job was enqueued, and which of these jobs began it. */
  enqueued: number;
  claimed: number | null;
  cancel_requested: boolean;
  exit_code: number | null;
  output_bytes: number;
  output_cut: boolean;
  chain_run_id: string | null;
  position: number | null;
  on_failure: FailureRule | null;
  schedule_id: string | null;
  due_at: Date | null;
  started_by_type: Actor['type'];
  started_by_id: string | null;
  started_by_name: string;
  created_at: Date;
  started_at: Date | null;
  ended_at: Date | null;
}

export interface OutputRow {
  seq: number;
  stream: 'stdout' | 'stderr' | 'note';
  text: string;
  at: Date;
}

export interface ChainRow extends Made {
  id: string;
  org_id: string;
  name: string;
  description: string;
  version: number;
}

export interface StepRow {
  chain_id: string;
  position: number;
  org_id: string;
  script_id: string;
  script_name: string;
  parameters: ScriptValues;
  secrets: string | null;
  on_failure: FailureRule;
}

export interface ChainRunRow {
  id: string;
  org_id: string;
  chain_id: string | null;
  chain_name: string;
  state: 'running' | 'completed' | 'failed' | 'cancelled';
  steps: number;
  failed_steps: number;
  schedule_id: string | null;
  due_at: Date | null;
  started_by_type: Actor['type'];
  started_by_id: string | null;
  started_by_name: string;
  created_at: Date;
  ended_at: Date | null;
}

export interface ScheduleRow extends Made {
  id: string;
  org_id: string;
  name: string;
  script_id: string | null;
  chain_id: string | null;
  parameters: ScriptValues;
  secrets: string | null;
  cron: string;
  time_zone: string;
  paused: boolean;
  paused_reason: string | null;
  next_due_at: Date | null;
  last_due_at: Date | null;
  version: number;
}

export interface ListedSchedule extends ScheduleRow {
  runs_name: string;
  last_outcome: 'started' | 'still_running' | 'refused' | null;
  last_detail: string | null;
}
