import { orgsDelete, orgsUpdate } from '@atrium/protocol';
import { useRef, useState } from 'react';
import { ProblemError, sayError } from '../../data/client.ts';
import { formErrors } from '../../data/form-errors.ts';
import { useOperationMutation } from '../../data/operations.ts';
import { forgetSession, type Me, useCan, useMe } from '../../data/session.ts';
import { Button } from '../../ui/button.tsx';
import { CopyLine } from '../../ui/copy-line.tsx';
import { ConfirmDialog } from '../../ui/dialog.tsx';
import { useFocusInvalid } from '../../ui/focus-invalid.ts';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input } from '../../ui/input.tsx';
import { Notice } from '../../ui/notice.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { Section, Sections } from '../../ui/section.tsx';
import { SettingsBody } from './settings-header.tsx';

export const OrganisationPage = () => {
  const { org } = useMe();
  const mayManage = useCan('org.manage');
  const mayDelete = useCan('org.delete');
  return (
    <SettingsBody title="General">
      <Sections>
        <Section
          title="Naming"
          lead={
            <>
              Made <RelativeTime time={org.created_at} />.
            </>
          }
        >
          <div className="flex flex-col gap-5">
            {!mayManage && (
              <Notice>
                Changing it needs the permission <code>org.manage</code>.
              </Notice>
            )}
            <OrgForm key={org.name + org.slug} org={org} disabled={!mayManage} />
          </div>
        </Section>
        <Section title="Identity" lead="For API calls and support. It never changes.">
          <FormField label="Organisation id" group>
            <CopyLine text={org.id} label="Copy id" />
          </FormField>
        </Section>
        {mayDelete && (
          <Section title="Delete" lead="Everything in it goes with it: items, files, agents, keys, audit trail.">
            <DeleteOrg />
          </Section>
        )}
      </Sections>
    </SettingsBody>
  );
};

const OrgForm = ({ org, disabled }: { org: Me['org']; disabled: boolean }) => {
  const [name, setName] = useState(org.name);
  const [slug, setSlug] = useState(org.slug);
  const restore = useOperationMutation(orgsUpdate, { quiet: true });
  const update = useOperationMutation(orgsUpdate, {
    quiet: true,
    invalidates: ['me.get', 'orgs.get'],
    done: () => 'Saved',
    undo: () => restore.mutateAsync({ name: org.name, slug: org.slug }),
  });
  const form = useRef<HTMLFormElement>(null);
  useFocusInvalid(form, update.error);
  const errors = formErrors(update.error, ['name', 'slug']);
  const taken = update.error instanceof ProblemError && update.error.code === 'name_taken';
  const badSlug = !/^[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?$/.test(slug)
    ? 'Use 1 to 50 lower-case letters, digits and hyphens; no hyphen at the ends.'
    : undefined;
  const dirty = name.trim() !== org.name || slug !== org.slug;
  return (
    <form
      ref={form}
      className="flex flex-col gap-5"
      onSubmit={(event) => {
        event.preventDefault();
        update.mutate({ name: name.trim(), slug });
      }}
    >
      <FormField label="Name" error={errors.of('name')}>
        <Input
          dir="auto"
          required
          maxLength={100}
          disabled={disabled}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
      </FormField>
      <FormField
        label="Short name"
        error={errors.of('slug') ?? (taken ? 'Another organisation has this short name.' : badSlug)}
        hint="Stands for the organisation where no spaces fit."
      >
        <Input
          required
          maxLength={50}
          spellCheck={false}
          autoCapitalize="off"
          className="font-mono"
          disabled={disabled}
          value={slug}
          onChange={(event) => setSlug(event.target.value.toLowerCase())}
        />
      </FormField>
      <FormError>{taken ? undefined : errors.rest}</FormError>
      {!disabled && (
        <div>
          <Button
            tone="primary"
            type="submit"
            busy={update.isPending}
            disabled={!dirty || name.trim() === '' || badSlug !== undefined}
          >
            Save
          </Button>
        </div>
      )}
    </form>
  );
};

const DeleteOrg = () => {
  const { org } = useMe();
  const [open, setOpen] = useState(false);
  const remove = useOperationMutation(orgsDelete, {
    quiet: true,
    // The session lived in the organisation and went with it.
    onSuccess: () => {
      forgetSession();
      location.assign('/sign-in');
    },
  });
  if (org.is_personal)
    return <Notice>This is your personal organisation. It exists as long as your account does.</Notice>;
  return (
    <>
      <Button className="text-danger-text!" onClick={() => setOpen(true)}>
        Delete organisation
      </Button>
      <ConfirmDialog
        open={open}
        onOpenChange={setOpen}
        title={`Delete ${org.name}`}
        verb="Delete organisation"
        typeName={org.name}
        busy={remove.isPending || remove.isSuccess}
        onConfirm={() => remove.mutate({ confirm: org.name })}
      >
        <p>
          Its items, files, agents, keys, members and audit trail are deleted for everybody. This cannot be undone and
          no export is kept.
        </p>
        {remove.error && (
          <div className="mt-3">
            <FormError>{sayError(remove.error)}</FormError>
          </div>
        )}
      </ConfirmDialog>
    </>
  );
};
