import { type AgentView, agentsRotateKey } from '@atrium/protocol';
import { useState } from 'react';
import { sayError } from '../../data/client.ts';
import { useOperationMutation } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { SecretReveal } from '../../ui/secret-reveal.tsx';
import { Select } from '../../ui/select.tsx';
import { AgentConnectCard } from '../onboarding/agent-light.tsx';

const graces = [
  { value: '0', label: 'End it now', hint: 'When the old key may be in wrong hands' },
  { value: '15', label: '15 minutes' },
  { value: '60', label: '1 hour' },
  { value: '1440', label: '1 day', hint: 'Time to change it everywhere' },
];

/** A new key for an agent, and how long the old one stays good. */
export const RotateKeyDialog = ({
  agent,
  open,
  onOpenChange,
}: {
  agent: AgentView;
  open: boolean;
  onOpenChange: (open: boolean) => void;
}) => {
  const [grace, setGrace] = useState('60');
  const rotate = useOperationMutation(agentsRotateKey, { quiet: true, invalidates: ['agents.get', 'agents.list'] });
  const close = (next: boolean) => {
    onOpenChange(next);
    if (!next) rotate.reset();
  };
  const made = rotate.data;
  return (
    <Dialog
      open={open}
      onOpenChange={close}
      width={made ? 'large' : 'small'}
      title={made ? `New key of ${agent.name}` : `Rotate the key of ${agent.name}`}
      description={made ? undefined : 'A new key is shown once. Whatever uses the old one must be changed.'}
      footer={
        made ? (
          <Button tone="primary" onClick={() => close(false)}>
            Done
          </Button>
        ) : (
          <>
            <Button onClick={() => close(false)}>Cancel</Button>
            <Button
              tone="primary"
              busy={rotate.isPending}
              onClick={() => rotate.mutate({ id: agent.id, grace_minutes: Number(grace) })}
            >
              Make a new key
            </Button>
          </>
        )
      }
    >
      {made ? (
        <div className="flex flex-col gap-4">
          <SecretReveal secret={made.api_key} name={`Key of ${agent.name}`} variable="ATRIUM_API_KEY" />
          <AgentConnectCard
            agent={made.agent}
            apiKey={made.api_key}
            since={new Date(rotate.submittedAt).toISOString()}
          />
        </div>
      ) : (
        <div className="flex flex-col gap-4">
          <FormField label="The old key stays good for">
            <Select value={grace} onChange={setGrace} options={graces} />
          </FormField>
          <FormError>{rotate.error && sayError(rotate.error)}</FormError>
        </div>
      )}
    </Dialog>
  );
};
