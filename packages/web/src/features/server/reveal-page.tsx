import { secretRevealsOpen } from '@atrium/protocol';
import { Link } from '@tanstack/react-router';
import { Eye } from 'lucide-react';
import { useState } from 'react';
import { sayError } from '../../data/client.ts';
import { useOperationMutation } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { CopyLine } from '../../ui/copy-line.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { FormField } from '../../ui/form-field.tsx';
import { SecretReveal } from '../../ui/secret-reveal.tsx';
import { ServerHeader } from './server-header.tsx';

/** Where the link of a tool leads: shows the secret of a client once, when its operator asks for it. */
export const RevealPage = () => {
  // Behind the hash, so that no server and no referrer ever sees it; gone from the address once it is read.
  const [token] = useState(() => {
    const text = location.hash.slice(1);
    if (text !== '') history.replaceState(history.state, '', location.pathname);
    return text;
  });
  const open = useOperationMutation(secretRevealsOpen, { quiet: true });
  const shown = open.data;
  return (
    <div className="min-h-0 flex-1 overflow-y-auto">
      <ServerHeader title="One-time secret" />
      {shown ? (
        <div className="mx-auto flex max-w-[640px] flex-col gap-5 px-4 py-10 md:px-6">
          <p className="text-16 font-medium">{shown.client.name} is registered</p>
          <SecretReveal secret={shown.client_secret} name="Client secret" variable="OAUTH_CLIENT_SECRET" />
          <FormField label="Client id" group>
            <CopyLine text={shown.client.id} label="Copy client id" />
          </FormField>
        </div>
      ) : open.error || token === '' ? (
        <EmptyState
          plain
          title="This link shows nothing any more"
          action={
            <Button asChild>
              <Link to="/server/clients">Go to the clients</Link>
            </Button>
          }
        >
          {open.error ? sayError(open.error) : 'It was opened before.'} Rotate the secret of the client to get a new
          one.
        </EmptyState>
      ) : (
        <EmptyState
          title="A tool registered a client for you"
          action={
            <Button
              tone="primary"
              icon={<Eye className="size-4" />}
              busy={open.isPending}
              onClick={() => open.mutate({ token })}
            >
              Show its secret
            </Button>
          }
        >
          The secret is shown once, to you alone. Have the place ready where it will be kept.
        </EmptyState>
      )}
    </div>
  );
};
