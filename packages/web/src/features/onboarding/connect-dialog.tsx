import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useCan } from '../../data/session.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { useExternalStore } from '../../ui/external-store.ts';
import { connectOpen } from './connect-store.ts';
import { CreateAgentForm, type MadeAgent } from './create-agent-form.tsx';
import { MadeAgentPanel } from './made-agent.tsx';

/** "Connect an agent", above any page. */
export const ConnectDialog = () => {
  const open = useExternalStore(connectOpen);
  const [made, setMade] = useState<MadeAgent | null>(null);
  const navigate = useNavigate();
  const may = useCan('agents.manage');
  const setOpen = (next: boolean) => {
    connectOpen.set(next);
    if (!next) setMade(null);
  };
  return (
    <Dialog
      open={open}
      onOpenChange={setOpen}
      title={made ? `${made.agent.name} is ready` : 'Connect an agent'}
      description={
        made
          ? 'Keep the key, paste the line. The light turns green at the first call.'
          : may
            ? 'It gets an identity and a key of its own, so that every question says who asks.'
            : undefined
      }
      width={made ? 'large' : 'medium'}
      footer={
        made && (
          <>
            <Button
              onClick={() => {
                setOpen(false);
                void navigate({ to: '/agents/$id', params: { id: made.agent.id } });
              }}
            >
              Open its page
            </Button>
            <Button tone="primary" onClick={() => setOpen(false)}>
              Done
            </Button>
          </>
        )
      }
    >
      {made ? (
        <MadeAgentPanel made={made} />
      ) : may ? (
        <CreateAgentForm onMade={setMade} autoFocus />
      ) : (
        <p className="text-14 text-text-2">
          Your role may not create agents. Ask an Owner or Admin for the permission{' '}
          <code className="text-13 text-text">agents.manage</code>, or to make the agent and hand you its key.
        </p>
      )}
    </Dialog>
  );
};
