import { meUpdate } from '@atrium/protocol';
import { useState } from 'react';
import { OrgMark } from '../../app/org-mark.tsx';
import { sayError } from '../../data/client.ts';
import { formErrors } from '../../data/form-errors.ts';
import { useOperationMutation } from '../../data/operations.ts';
import { queryClient } from '../../data/query-client.ts';
import { type Me, meQuery, switchOrg, useMe } from '../../data/session.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Avatar } from '../../ui/identity-mark.tsx';
import { Input } from '../../ui/input.tsx';
import { Section, Sections } from '../../ui/section.tsx';
import { toast } from '../../ui/toast.tsx';
import { roleName } from '../members/grantable.ts';
import { openCreateOrg } from './create-org-store.ts';
import { SettingsBody } from './settings-header.tsx';

export const ProfilePage = () => {
  const { user, orgs, org } = useMe();
  return (
    <SettingsBody title="Profile">
      <Sections>
        {user && (
          <Section title="You" lead="How colleagues and agents see you.">
            <NameForm key={user.name} user={user} />
          </Section>
        )}
        <Section title="Organisations" lead="Each has its own people, agents and items. You act in one at a time.">
          <ul className="divide-y divide-line rounded-card border border-line">
            {orgs.map((other) => (
              <li key={other.id} className="flex min-h-14 items-center gap-3 px-4 py-2">
                <OrgMark id={other.id} name={other.name} size={28} />
                <span className="min-w-0 flex-1">
                  <span dir="auto" className="block truncate text-left text-14 font-medium">
                    {other.name}
                  </span>
                  <span className="block text-13 text-text-2">
                    {roleName(other.role)}
                    {other.is_personal && ' · personal'}
                  </span>
                </span>
                {other.id === org.id ? (
                  <Badge dot tone="success">
                    You are here
                  </Badge>
                ) : (
                  <Button
                    size="small"
                    aria-label={`Switch to ${other.name}`}
                    onClick={() =>
                      switchOrg(other.id).catch((error: unknown) => toast({ title: sayError(error), tone: 'danger' }))
                    }
                  >
                    Switch
                  </Button>
                )}
              </li>
            ))}
          </ul>
          <Button size="small" className="mt-3" onClick={openCreateOrg}>
            New organisation
          </Button>
        </Section>
      </Sections>
    </SettingsBody>
  );
};

const NameForm = ({ user }: { user: NonNullable<Me['user']> }) => {
  const [name, setName] = useState(user.name);
  const restore = useOperationMutation(meUpdate, { quiet: true });
  const update = useOperationMutation(meUpdate, {
    quiet: true,
    invalidates: ['me.get', 'members.list'],
    optimistic: () => {
      const before = queryClient.getQueryData(meQuery.queryKey);
      queryClient.setQueryData(
        meQuery.queryKey,
        (me: Me | undefined) => me && { ...me, user: me.user && { ...me.user, name: name.trim() } },
      );
      return [() => queryClient.setQueryData(meQuery.queryKey, before)];
    },
    done: () => 'Your name is changed',
    undo: () => restore.mutateAsync({ name: user.name }),
  });
  const errors = formErrors(update.error, ['name']);
  return (
    <form
      className="flex flex-col gap-5"
      onSubmit={(event) => {
        event.preventDefault();
        update.mutate({ name: name.trim() });
      }}
    >
      <div className="flex items-center gap-4">
        <Avatar id={user.id} name={name || user.name} size={48} />
        <div className="min-w-0">
          <p className="truncate text-14 font-medium">{user.email}</p>
          <p className="text-13 text-text-2">{user.email_verified ? 'Confirmed address' : 'Not confirmed yet'}</p>
        </div>
      </div>
      <FormField label="Name" error={errors.of('name')}>
        <Input
          dir="auto"
          name="name"
          autoComplete="name"
          required
          maxLength={100}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
      </FormField>
      <FormError>{errors.rest}</FormError>
      <div>
        <Button
          tone="primary"
          type="submit"
          busy={update.isPending}
          disabled={name.trim() === '' || name.trim() === user.name}
        >
          Save
        </Button>
      </div>
    </form>
  );
};
