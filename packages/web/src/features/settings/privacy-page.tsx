import { meDelete, meExport } from '@atrium/protocol';
import { useMutation } from '@tanstack/react-query';
import { Download } from 'lucide-react';
import { useState } from 'react';
import { download, sayError } from '../../data/client.ts';
import { useOperationMutation } from '../../data/operations.ts';
import { forgetSession, useMe } from '../../data/session.ts';
import { Button } from '../../ui/button.tsx';
import { ConfirmDialog } from '../../ui/dialog.tsx';
import { FormError } from '../../ui/form-field.tsx';
import { Section, Sections } from '../../ui/section.tsx';
import { SettingsBody } from './settings-header.tsx';

export const PrivacyPage = () => (
  <SettingsBody title="Privacy">
    <Sections>
      <Section title="Your data" lead="Everything this server holds about you, as one JSON file.">
        <Export />
      </Section>
      <Section title="Delete your account" lead="For good, in every organisation of this server.">
        <DeleteAccount />
      </Section>
    </Sections>
  </SettingsBody>
);

const Export = () => {
  const take = useMutation({ mutationFn: () => download(meExport, {}, 'atrium-account.json') });
  return (
    <div className="flex flex-col items-start gap-3">
      <Button icon={<Download className="size-4" />} busy={take.isPending} onClick={() => take.mutate()}>
        Download my data
      </Button>
      <FormError>{take.error ? sayError(take.error) : undefined}</FormError>
    </div>
  );
};

const DeleteAccount = () => {
  const { user } = useMe();
  const [open, setOpen] = useState(false);
  const remove = useOperationMutation(meDelete, {
    quiet: true,
    onSuccess: () => {
      forgetSession();
      location.assign('/sign-in');
    },
  });
  if (!user) return null;
  return (
    <>
      <Button className="text-danger-text!" onClick={() => setOpen(true)}>
        Delete my account
      </Button>
      <ConfirmDialog
        open={open}
        onOpenChange={setOpen}
        title="Delete your account"
        verb="Delete my account"
        typeName={user.email}
        busy={remove.isPending || remove.isSuccess}
        onConfirm={() => remove.mutate({ confirm: user.email })}
      >
        <div className="flex flex-col gap-3">
          <p>
            Your name, addresses, passkeys, keys and sessions are erased, and your personal organisation goes with
            everything in it. What you wrote in shared organisations stays there, without your name. This cannot be
            undone.
          </p>
          <p>Take your data first: it cannot be exported afterwards.</p>
          <Export />
          <FormError>{remove.error ? sayError(remove.error) : undefined}</FormError>
        </div>
      </ConfirmDialog>
    </>
  );
};
