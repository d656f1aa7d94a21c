import type {
  Actor,
  ToolDefinition,
  toolCallStates,
  toolPolicies,
  toolServerAuths,
  toolServerStates,
  toolTransports,
} from '@atrium/protocol';

export type Policy = (typeof toolPolicies)[number];
export type CallState = (typeof toolCallStates)[number];
export type ServerState = Exclude<(typeof toolServerStates)[number], 'off'>;

export interface ServerRow {
  id: string;
  org_id: string;
  slug: string;
  name: string;
  description: string;
  transport: (typeof toolTransports)[number];
  url: string | null;
  allow_private: boolean;
  command: string | null;
  sealed: string | null;
  env_names: string[];
  header_names: string[];
  auth: (typeof toolServerAuths)[number];
  enabled: boolean;
  default_policy: Policy;
  approver_id: string | null;
  timeout_s: number;
  max_result_bytes: number;
  idle_s: number;
  keep_arguments: boolean;
  pass_resources: boolean;
  pass_prompts: boolean;
  state: ServerState;
  last_error: string | null;
  stderr_tail: string | null;
  server_name: string | null;
  server_version: string | null;
  protocol_version: string | null;
  seen_at: Date | null;
  failures: number;
  next_attempt_at: Date | null;
  version: number;
  created_by_type: Actor['type'];
  created_by_id: string | null;
  created_by_name: string;
  created_at: Date;
  updated_at: Date;
}

/** What is sealed in the row of a server. */
export interface ServerSecrets {
  args: string[];
  env: Record<string, string>;
  headers: Record<string, string>;
}

export interface RolePolicy {
  role: string;
  policy: Policy;
}

export interface DefinitionRow {
  id: string;
  org_id: string;
  server_id: string;
  name: string;
  approved: ToolDefinition | null;
  approved_fingerprint: string | null;
  approved_by_id: string | null;
  approved_by_name: string | null;
  approved_at: Date | null;
  found: ToolDefinition;
  found_fingerprint: string;
  found_at: Date;
  present: boolean;
  listed: boolean;
  policy: Policy | null;
  role_policies: RolePolicy[];
  alias: string | null;
  description_override: string | null;
  version: number;
}

/** A tool with what of its server decides about it. */
export interface OfferedRow extends DefinitionRow {
  slug: string;
  default_policy: Policy;
  enabled: boolean;
}

export interface ConnectionRow {
  id: string;
  org_id: string;
  server_id: string;
  user_id: string | null;
  sealed: string;
  connected: boolean;
}

export interface SignInRow {
  state_hash: string;
  org_id: string;
  server_id: string;
  user_id: string | null;
  started_by: string;
  sealed: string;
  expires_at: Date;
}

export interface CallRow {
  id: string;
  org_id: string;
  server_id: string | null;
  server_slug: string;
  tool_id: string | null;
  tool: string;
  fingerprint: string | null;
  state: CallState;
  reason: string | null;
  detail: string | null;
  policy: Policy;
  approver_id: string | null;
  by_type: Actor['type'];
  by_id: string | null;
  by_name: string;
  door: string;
  argument_bytes: number;
  arguments_digest: string;
  arguments: Record<string, unknown> | null;
  sealed_arguments: string | null;
  sealed_result: string | null;
  result_bytes: number | null;
  cut: boolean;
  delivered: boolean;
  holder: string | null;
  overdue_at: Date | null;
  duration_ms: number | null;
  created_at: Date;
  started_at: Date | null;
  ended_at: Date | null;
}
