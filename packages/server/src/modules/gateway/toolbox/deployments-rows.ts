import type { Actor, ToolboxDeployment } from '@atrium/protocol';
import type { PlannedPort } from './compose-plan.ts';

export type DeploymentState = ToolboxDeployment['state'];
export type DeploymentStep = NonNullable<ToolboxDeployment['step']>;

/** A port that a container has on the machine. */
export type HeldPort = PlannedPort & { host_port: number };

export interface DeploymentRow {
  id: string;
  org_id: string;
  name: string;
  template_id: string;
  template_name: string;
  template_icon: string;
  digest: string;
  compose: string;
  variables: string;
  registry: string | null;
  registry_server: string | null;
  accepted: string[];
  former: string | null;
  state: DeploymentState;
  step: DeploymentStep | null;
  message: string | null;
  progress: ToolboxDeployment['progress'];
  turn: number;
  generation: number;
  containers: ToolboxDeployment['containers'];
  volumes: string[];
  ports: HeldPort[];
  auto_route: boolean;
  auto_start: boolean;
  remove_volumes: boolean;
  app_id: string | null;
  route_id: string | null;
  target: string | null;
  created_by_type: Actor['type'];
  created_by_id: string | null;
  created_by_name: string;
  created_at: Date;
  updated_at: Date;
}

/** With the app that it became. */
export type ListedDeployment = DeploymentRow & { app_slug: string | null; app_name: string | null };

/** What an update replaces, kept sealed until it has been replaced. */
export interface FormerInstallation {
  state: 'running' | 'stopped';
  template_name: string;
  template_icon: string;
  digest: string;
  compose: string;
  variables: Record<string, string>;
  accepted: string[];
  generation: number;
  volumes: string[];
  ports: HeldPort[];
}
