import { type ToolboxDeployment, toolboxTemplatesGet, toolboxUpdate } from '@atrium/protocol';
import { type FormEvent, useId, useRef, useState } from 'react';
import { ProblemError } from '../../data/client.ts';
import { formErrors } from '../../data/form-errors.ts';
import { useOperation, useOperationMutation } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { useFocusInvalid } from '../../ui/focus-invalid.ts';
import { FormError } from '../../ui/form-field.tsx';
import { Skeleton } from '../../ui/skeleton.tsx';
import { Checkbox } from '../../ui/toggles.tsx';
import { Dangers } from './plan-panel.tsx';
import { deploymentReads } from './toolbox-words.ts';
import { VariableField } from './variable-field.tsx';

type Danger = Parameters<typeof Dangers>[0]['dangers'][number];

/** Newest images with other variables, over the same data. */
export const UpdateDialog = ({ deployment, onClose }: { deployment: ToolboxDeployment; onClose: () => void }) => {
  const { id, name, template, newer_template } = deployment;
  const found = useOperation(toolboxTemplatesGet, { template: template.id });
  const before = Object.fromEntries(deployment.variables.map((one) => [one.name, one.value ?? '']));
  const [values, setValues] = useState<Record<string, string>>({});
  const [newest, setNewest] = useState(newer_template);
  const [ticked, setTicked] = useState<string[]>([...deployment.accepted]);
  const update = useOperationMutation(toolboxUpdate, {
    quiet: true,
    invalidates: deploymentReads,
    done: () => `${name} is being updated`,
    onSuccess: onClose,
  });
  const form = useId();
  const fields = useRef<HTMLFormElement>(null);
  const variables = found.data?.variables ?? [];
  const errors = formErrors(
    update.error,
    variables.map((one) => `variables.${one.name}`),
  );
  useFocusInvalid(fields, update.error);
  // Asked for by the server, which alone knows what the new settings come to.
  const asked =
    update.error instanceof ProblemError && update.error.code === 'toolbox_unticked'
      ? ((update.error.problem as unknown as { dangers: Danger[] }).dangers ?? [])
      : [];
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const changed = Object.entries(values).filter(([key, value]) => value !== (before[key] ?? ''));
    update.mutate({ id, variables: Object.fromEntries(changed), newest_template: newest, accept: ticked });
  };
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={`Update ${name}`}
      description="The newest images are pulled, then the containers are made anew. Data stays; until the images are here the former ones run on."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button tone="primary" type="submit" form={form} busy={update.isPending}>
            Update
          </Button>
        </>
      }
    >
      <form ref={fields} id={form} onSubmit={submit} className="flex flex-col gap-5">
        {newer_template && (
          <Checkbox
            label="Take the newer template"
            hint="As the catalogue has it now"
            checked={newest}
            onChange={setNewest}
          />
        )}
        {found.isPending && <Skeleton className="h-24 w-full" />}
        {variables.map((variable) => (
          <VariableField
            key={variable.name}
            variable={variable}
            value={values[variable.name] ?? before[variable.name]}
            onChange={(value) => setValues({ ...values, [variable.name]: value })}
            error={errors.of(`variables.${variable.name}`)}
            kept={variable.type === 'password' && variable.name in before}
          />
        ))}
        {asked.length > 0 && <Dangers dangers={asked} ticked={ticked} onChange={setTicked} operator />}
        <FormError>{asked.length > 0 ? undefined : errors.rest}</FormError>
      </form>
    </Dialog>
  );
};
