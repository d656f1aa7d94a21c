import type { ToolboxDanger } from '@atrium/protocol';
import { AppError, invalid } from '../../../platform/errors/app-error.ts';
import type { Caller } from '../../../platform/operations/caller.ts';
import type { Template } from './catalogue.ts';
import { deploymentName, type Installation, installationOf } from './installation.ts';
import type { Values } from './interpolation.ts';
import type { ToolboxParts } from './toolbox-parts.ts';

/* What deploying, updating and trying have in common before anything is made. */

/** The name that was wished for, as it can be. */
export const nameFor = (template: Pick<Template, 'id'>, wished: string | undefined): string => {
  const name = deploymentName(wished ?? template.id);
  if (name === null) throw invalid('name', 'must have a letter or a digit');
  return name;
};

export const installationFor = (
  parts: Pick<ToolboxParts, 'settings' | 'addressOf'>,
  compose: string,
  name: string,
  values: Values,
): Installation =>
  installationOf(compose, values, {
    name,
    data_dir: parts.settings().host_data_dir,
    base_url: parts.addressOf(name),
  });

/** With a problem for each variable that the template does not have. */
export const wantedInstallation = (
  parts: Pick<ToolboxParts, 'settings' | 'addressOf'>,
  template: Pick<Template, 'text' | 'variables'>,
  name: string,
  values: Values,
): Installation => {
  const known = new Set(template.variables.map((one) => one.name));
  const strange = Object.keys(values).filter((one) => !known.has(one));
  const installation = installationFor(parts, template.text, name, values);
  const problems = strange.map((one) => ({ path: `variables.${one}`, message: 'is no variable of the template' }));
  return { ...installation, problems: [...problems, ...installation.problems] };
};

/** Refuses what cannot be made, all reasons at once. */
export const requireSound = ({ problems, missing }: Installation): void => {
  const errors = [
    ...missing.map(({ name, message }) => ({
      path: `variables.${name}`,
      message: message === null ? 'needs a value' : `needs a value: ${message}`,
    })),
    // What is wrong only because a variable is empty goes away with it.
    ...(missing.length > 0 ? problems.filter(({ path }) => path.startsWith('variables.')) : problems),
  ];
  const [first] = errors;
  if (first !== undefined)
    throw new AppError('validation_failed', `${first.path === '' ? 'The template' : first.path}: ${first.message}`, {
      errors: errors.slice(0, 100),
    });
};

/** Refuses what lets a container out of its box, unless an operator ticked each such thing by name. */
export const requireTicks = (dangers: readonly ToolboxDanger[], accepted: readonly string[], caller: Caller): void => {
  if (dangers.length === 0) return;
  if (!caller.is_operator)
    throw new AppError(
      'operator_required',
      `This lets a container out of its box (${dangers.map(({ id }) => id).join(', ')}), which only an operator allows.`,
      { extensions: { error: 'operator required', required: 'operator' } },
    );
  const unticked = dangers.filter(({ id }) => !accepted.includes(id));
  if (unticked.length === 0) return;
  throw new AppError(
    'toolbox_unticked',
    `Tick what this installation does to the machine, each by its name in accept: ${unticked.map(({ id }) => id).join(', ')}.`,
    { extensions: { dangers: unticked } },
  );
};
