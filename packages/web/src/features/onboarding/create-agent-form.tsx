import { agentsCreate, type OutputOf, type Scope } from '@atrium/protocol';
import { type FormEvent, useRef, useState } from 'react';
import { formErrors } from '../../data/form-errors.ts';
import { useOperationMutation } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { useFocusInvalid } from '../../ui/focus-invalid.ts';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input } from '../../ui/input.tsx';
import { Segmented } from '../../ui/tabs.tsx';
import { ScopePicker } from '../agents/scope-picker.tsx';

export type MadeAgent = OutputOf<typeof agentsCreate>;
type Kind = 'agent' | 'device' | 'service';

const kinds: { value: Kind; label: string }[] = [
  { value: 'agent', label: 'Agent' },
  { value: 'device', label: 'Device' },
  { value: 'service', label: 'Service' },
];
const hints: Record<Kind, string> = {
  agent: 'A model that asks, reports and waits for answers.',
  device: 'A machine in the house: a printer, a sensor, a plug.',
  service: 'A program that sends notices: a build, a backup, a cron job.',
};
const examples: Record<Kind, string> = {
  agent: 'Release agent',
  device: 'Workshop printer',
  service: 'Nightly backup',
};

/** Names an agent and makes it; its secrets go to `onMade`, once. */
export const CreateAgentForm = ({ onMade, autoFocus }: { onMade: (made: MadeAgent) => void; autoFocus?: boolean }) => {
  const [name, setName] = useState('');
  const [kind, setKind] = useState<Kind>('agent');
  const [scopes, setScopes] = useState<Scope[]>(['inbox:read', 'inbox:write']);
  const create = useOperationMutation(agentsCreate, {
    quiet: true,
    invalidates: ['agents.list'],
    onSuccess: (made) => onMade(made),
  });
  const form = useRef<HTMLFormElement>(null);
  useFocusInvalid(form, create.error);
  const errors = formErrors(create.error, ['name']);
  const taken = create.error && 'code' in create.error && create.error.code === 'name_taken';
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate({ name: name.trim(), kind, scopes });
  };
  return (
    <form ref={form} onSubmit={submit} className="flex flex-col gap-5">
      <FormField label="Kind" group hint={hints[kind]}>
        <div>
          <Segmented label="Kind" options={kinds} value={kind} onChange={setKind} />
        </div>
      </FormField>
      <FormField label="Name" error={errors.of('name') ?? (taken ? 'Another agent has this name.' : undefined)}>
        <Input
          name="agent-name"
          autoComplete="off"
          required
          maxLength={100}
          autoFocus={autoFocus}
          placeholder={examples[kind]}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
      </FormField>
      <details className="group">
        <summary className="w-fit cursor-pointer rounded-control text-13 font-medium text-text-2 hover:text-text">
          What it may do:{' '}
          {scopes.length === 2 && scopes.includes('inbox:write')
            ? 'read and write its own items'
            : `${scopes.length} scopes`}
        </summary>
        <div className="pt-3">
          <ScopePicker value={scopes} onChange={setScopes} />
          <p className="mt-2 text-13 text-text-3">
            It sees the items that it makes itself. Its page lets you widen that later.
          </p>
        </div>
      </details>
      <FormError>{taken ? undefined : errors.rest}</FormError>
      <div>
        <Button tone="primary" type="submit" busy={create.isPending} disabled={name.trim() === ''}>
          Create and show its key
        </Button>
      </div>
    </form>
  );
};
