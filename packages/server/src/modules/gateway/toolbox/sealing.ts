import type { RegistryLogin } from '../runtime/docker-deploying.ts';
import type { DeploymentRow, FormerInstallation } from './deployments-rows.ts';
import { isSecretName } from './template-variables.ts';
import { deploymentPlace, type ToolboxParts } from './toolbox-parts.ts';

type Box = Pick<ToolboxParts, 'secrets'>;

export const seal = ({ secrets }: Box, id: string, value: unknown): string =>
  secrets.encrypt(JSON.stringify(value), deploymentPlace(id));

const open = <T>({ secrets }: Box, id: string, sealed: string): T =>
  JSON.parse(secrets.decrypt(sealed, deploymentPlace(id))) as T;

export const variablesOfRow = (box: Box, row: Pick<DeploymentRow, 'id' | 'variables'>): Record<string, string> =>
  open(box, row.id, row.variables);
export const registryOfRow = (box: Box, row: Pick<DeploymentRow, 'id' | 'registry'>): RegistryLogin | null =>
  row.registry === null ? null : open(box, row.id, row.registry);
export const formerOfRow = (box: Box, row: Pick<DeploymentRow, 'id' | 'former'>): FormerInstallation | null =>
  row.former === null ? null : open(box, row.id, row.former);

const shortestSecret = 4;

/** Puts a mark in the place of every secret of the deployment. */
export const maskFor = (
  box: Box,
  row: Pick<DeploymentRow, 'id' | 'variables' | 'registry'>,
): ((text: string) => string) => {
  const named = Object.entries(variablesOfRow(box, row)).filter(([name]) => isSecretName(name));
  const values = [...named.map(([, value]) => value), registryOfRow(box, row)?.password ?? ''];
  const hidden = values
    .filter((value) => value.length >= shortestSecret)
    // The longest first: one may hold another.
    .toSorted((a, b) => b.length - a.length);
  return (text) => hidden.reduce((shown, value) => shown.replaceAll(value, '•••'), text);
};
