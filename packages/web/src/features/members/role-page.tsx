import { type OutputOf, rolesCreate, rolesDelete, rolesList, rolesUpdate } from '@atrium/protocol';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { type FormEvent, useRef, useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { ProblemError } from '../../data/client.ts';
import { formErrors } from '../../data/form-errors.ts';
import { deferOperation, patchItem, useOperation, useOperationMutation } from '../../data/operations.ts';
import { useCan, useMe } from '../../data/session.ts';
import { Button } from '../../ui/button.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { useFocusInvalid } from '../../ui/focus-invalid.ts';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input } from '../../ui/input.tsx';
import { Notice } from '../../ui/notice.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { Section, Sections } from '../../ui/section.tsx';
import { SkeletonDetail } from '../../ui/skeleton.tsx';
import { roleName, whyNotGrant } from './grantable.ts';
import { PermissionPicker } from './permission-picker.tsx';
import { permissionWords } from './permission-words.ts';

type Role = OutputOf<typeof rolesList>['items'][number];
const route = getRouteApi('/frame/members/roles/$id');

export const RolePage = () => {
  const { id } = route.useParams();
  const roles = useOperation(rolesList, { limit: 200 }, { enabled: id !== 'new' });
  const navigate = useNavigate();
  const back = { label: 'roles', onBack: () => void navigate({ to: '/members/roles' }) };
  const role = roles.data?.items.find((candidate) => candidate.id === id);
  const title = id === 'new' ? 'New role' : role ? roleName(role) : 'Role';
  return (
    <div className="min-h-0 flex-1 overflow-y-auto">
      <PageHeader title={title} back={back} />
      {id === 'new' ? (
        <RoleForm />
      ) : role?.system ? (
        <SystemRole role={role} />
      ) : role ? (
        <RoleForm key={role.id} role={role} />
      ) : roles.error ? (
        <LoadError error={roles.error} retry={roles.refetch} />
      ) : roles.data ? (
        <EmptyState plain title="This role is gone" />
      ) : (
        <SkeletonDetail />
      )}
    </div>
  );
};

const members = (count: number): string => `${count} ${count === 1 ? 'member holds' : 'members hold'} it`;

const SystemRole = ({ role }: { role: Role }) => (
  <Sections>
    <Section title="Built in" lead={`Atrium ships this role and does not let it change. ${members(role.members)}.`}>
      <ul className="divide-y divide-line rounded-card border border-line">
        {role.permissions.map((permission) => (
          <li key={permission} className="flex items-baseline justify-between gap-4 px-4 py-2.5">
            <span className="text-14">{permissionWords(permission)}</span>
            <code className="shrink-0 text-12 text-text-3">{permission}</code>
          </li>
        ))}
      </ul>
    </Section>
  </Sections>
);

const RoleForm = ({ role }: { role?: Role }) => {
  const me = useMe();
  const mayChange = useCan('users.change_role');
  const navigate = useNavigate();
  const [name, setName] = useState(role?.name ?? '');
  const [description, setDescription] = useState(role?.description ?? '');
  const [permissions, setPermissions] = useState<string[]>(role?.permissions ?? ['items.read']);
  const toList = () => void navigate({ to: '/members/roles' });
  const options = { quiet: true, invalidates: ['roles.list'], onSuccess: toList };
  const create = useOperationMutation(rolesCreate, { ...options, done: (made) => `Role ${made.name} is made` });
  const restore = useOperationMutation(rolesUpdate, { quiet: true });
  const update = useOperationMutation(rolesUpdate, {
    ...options,
    done: (saved) => `Role ${saved.name} changed`,
    undo: () =>
      restore.mutateAsync({
        id: role!.id,
        name: role!.name,
        description: role!.description,
        permissions: role!.permissions,
      }),
  });
  const error = create.error ?? update.error;
  const form = useRef<HTMLFormElement>(null);
  useFocusInvalid(form, error);
  const errors = formErrors(error, ['name', 'description', 'permissions']);
  const taken = error instanceof ProblemError && error.code === 'name_taken';
  const barrier = !mayChange
    ? 'Changing roles needs the permission users.change_role.'
    : role
      ? (whyNotGrant(me, role)?.replace('.', ', so this role is not yours to change.') ?? null)
      : null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const input = { name: name.trim(), description: description.trim(), permissions };
    if (role) update.mutate({ id: role.id, ...input });
    else create.mutate(input);
  };
  return (
    <form ref={form} onSubmit={submit}>
      <Sections>
        <Section
          title="Naming"
          lead={role ? `${members(role.members)}.` : 'A job rather than a person: “Release manager”.'}
        >
          <div className="flex flex-col gap-5">
            <FormField label="Name" error={errors.of('name') ?? (taken ? 'Another role has this name.' : undefined)}>
              <Input
                dir="auto"
                required
                maxLength={100}
                autoFocus={!role}
                disabled={barrier !== null}
                value={name}
                onChange={(event) => setName(event.target.value)}
              />
            </FormField>
            <FormField label="Description" required={false} error={errors.of('description')}>
              <Input
                dir="auto"
                maxLength={500}
                disabled={barrier !== null}
                value={description}
                onChange={(event) => setDescription(event.target.value)}
              />
            </FormField>
          </div>
        </Section>
        <Section
          title="Permissions"
          lead="You can only give what you hold yourself; the rest is greyed out. Changes reach every holder at once."
        >
          <div className="flex flex-col gap-5">
            {barrier && <Notice tone="warning">{barrier}</Notice>}
            <PermissionPicker value={permissions} onChange={setPermissions} disabled={barrier !== null} />
            <FormError>{taken ? undefined : (errors.of('permissions') ?? errors.rest)}</FormError>
            {barrier === null && (
              <div className="flex flex-wrap gap-2">
                <Button
                  tone="primary"
                  type="submit"
                  busy={create.isPending || update.isPending}
                  disabled={name.trim() === ''}
                >
                  {role ? 'Save role' : 'Make role'}
                </Button>
                <Button tone="ghost" onClick={toList}>
                  Cancel
                </Button>
              </div>
            )}
          </div>
        </Section>
        {role && barrier === null && <DeleteRole role={role} onDeleted={toList} />}
      </Sections>
    </form>
  );
};

const DeleteRole = ({ role, onDeleted }: { role: Role; onDeleted: () => void }) => (
  <Section title="Delete" lead="A role that somebody holds cannot be deleted.">
    <div className="flex flex-wrap items-center gap-3">
      <Button
        disabled={role.members > 0}
        className="text-danger-text!"
        onClick={() => {
          deferOperation(
            rolesDelete,
            { id: role.id },
            {
              title: `Role ${role.name} deleted`,
              optimistic: () => [patchItem<Role>('roles.list', role.id, () => null)],
              invalidates: ['roles.list'],
            },
          );
          onDeleted();
        }}
      >
        Delete role
      </Button>
      {role.members > 0 && (
        <span className="text-13 text-text-2">
          {members(role.members)}. Give {role.members === 1 ? 'that member' : 'them'} another role first.
        </span>
      )}
    </div>
  </Section>
);
