import {
  type OutputOf,
  type ProviderPreset,
  providersCreate,
  type providersList,
  providersUpdate,
} from '@atrium/protocol';
import { type FormEvent, useId, useRef, useState } from 'react';
import { ProblemError } from '../../data/client.ts';
import { formErrors } from '../../data/form-errors.ts';
import { useOperationMutation } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { CopyLine } from '../../ui/copy-line.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { useFocusInvalid } from '../../ui/focus-invalid.ts';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input, PasswordInput, Textarea } from '../../ui/input.tsx';
import { Select } from '../../ui/select.tsx';
import { Checkbox } from '../../ui/toggles.tsx';
import { presetFields, presets } from './provider-presets.ts';

type Provider = OutputOf<typeof providersList>['items'][number];
type Texts = Record<string, string>;

const given = (texts: Texts): Texts =>
  Object.fromEntries(
    Object.entries(texts)
      .map(([name, value]) => [name, value.trim()] as const)
      .filter(([, value]) => value !== ''),
  );

/** Adds a provider, or changes one. Its secret is written here and never shown again. */
export const ProviderDialog = ({ provider, onClose }: { provider: Provider | null; onClose: () => void }) => {
  const [preset, setPreset] = useState<ProviderPreset>(provider?.preset ?? 'google');
  const [slug, setSlug] = useState(provider?.slug ?? '');
  const [name, setName] = useState(provider?.name ?? '');
  const [clientId, setClientId] = useState(provider?.client_id ?? '');
  const [secret, setSecret] = useState('');
  const [mayVouch, setMayVouch] = useState(provider?.may_vouch ?? false);
  const [settings, setSettings] = useState<Texts>(() => {
    const { scopes: _scopes, ...texts } = provider?.settings ?? {};
    return texts as Texts;
  });
  const form = useId();
  const element = useRef<HTMLFormElement>(null);
  const saving = { quiet: true, invalidates: ['providers.list', 'auth.methods'], onSuccess: onClose } as const;
  const create = useOperationMutation(providersCreate, saving);
  const update = useOperationMutation(providersUpdate, saving);
  const error = create.error ?? update.error;
  useFocusInvalid(element, error);
  const fields = presetFields[preset];
  const known = presets.find(({ value }) => value === preset)!;
  const effectiveSlug = slug || preset;
  const errors = formErrors(error, [
    ...['slug', 'name', 'client_id', 'client_secret'],
    ...fields.map((field) => `settings.${field.name}`),
  ]);
  const taken = error instanceof ProblemError && error.code === 'name_taken';
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const own = given(Object.fromEntries(fields.map((field) => [field.name, settings[field.name] ?? ''])));
    const scopes = provider?.settings.scopes;
    const common = {
      name: name.trim() || known.label,
      client_id: clientId.trim(),
      settings: { ...own, ...(scopes ? { scopes } : {}) },
      may_vouch: mayVouch,
      ...(secret === '' ? {} : { client_secret: secret }),
    };
    if (provider === null) create.mutate({ ...common, slug: effectiveSlug, preset });
    else update.mutate({ ...common, id: provider.id, generation: provider.generation });
  };
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={provider === null ? 'Add a sign-in provider' : `Edit ${provider.name}`}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            tone="primary"
            type="submit"
            form={form}
            busy={create.isPending || update.isPending}
            disabled={clientId.trim() === ''}
          >
            {provider === null ? 'Add provider' : 'Save'}
          </Button>
        </>
      }
    >
      <form ref={element} id={form} onSubmit={submit} className="flex flex-col gap-5">
        {provider === null && (
          <FormField label="Kind">
            <Select value={preset} onChange={(value) => setPreset(value as ProviderPreset)} options={presets} />
          </FormField>
        )}
        <FormField
          label="Name"
          required={false}
          error={errors.of('name')}
          hint="What the button of the sign-in page says."
        >
          <Input
            dir="auto"
            name="provider-name"
            maxLength={100}
            placeholder={known.label}
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        </FormField>
        {provider === null && (
          <FormField
            label="Short name"
            required={false}
            error={errors.of('slug') ?? (taken ? 'Another provider has this short name.' : undefined)}
            hint="Stands in its address."
          >
            <Input
              name="provider-slug"
              maxLength={40}
              spellCheck={false}
              autoCapitalize="off"
              className="font-mono"
              placeholder={preset}
              value={slug}
              onChange={(event) => setSlug(event.target.value.toLowerCase())}
            />
          </FormField>
        )}
        <FormField label="Callback address, to be registered there" group>
          <CopyLine
            text={provider?.callback_url ?? `${location.origin}/auth/oauth/${effectiveSlug}/callback`}
            label="Copy the callback address"
          />
        </FormField>
        {fields.map((field) => (
          <FormField
            key={field.name}
            label={field.label}
            required={field.needed}
            error={errors.of(`settings.${field.name}`)}
            hint={field.hint}
          >
            <Input
              name={field.name}
              spellCheck={false}
              autoCapitalize="off"
              required={field.needed}
              placeholder={field.placeholder}
              value={settings[field.name] ?? ''}
              onChange={(event) => setSettings({ ...settings, [field.name]: event.target.value })}
            />
          </FormField>
        ))}
        <FormField label={preset === 'apple' ? 'Services ID' : 'Client ID'} error={errors.of('client_id')}>
          <Input
            name="client-id"
            required
            spellCheck={false}
            autoComplete="off"
            className="font-mono"
            value={clientId}
            onChange={(event) => setClientId(event.target.value)}
          />
        </FormField>
        <FormField
          label={preset === 'apple' ? 'Private key (.p8)' : 'Client secret'}
          error={errors.of('client_secret')}
          hint={
            provider?.has_secret
              ? 'One is kept. Leave this empty to keep it.'
              : 'Kept encrypted, and never shown again.'
          }
        >
          {preset === 'apple' ? (
            <Textarea
              name="client-secret"
              spellCheck={false}
              className="font-mono"
              placeholder="-----BEGIN PRIVATE KEY-----"
              value={secret}
              onChange={(event) => setSecret(event.target.value)}
            />
          ) : (
            <PasswordInput
              name="client-secret"
              autoComplete="off"
              value={secret}
              onChange={(event) => setSecret(event.target.value)}
            />
          )}
        </FormField>
        <Checkbox
          checked={mayVouch}
          onChange={setMayVouch}
          label="It may vouch for addresses"
          hint="An address that it calls confirmed then opens the account here that has it. Only for issuers that really check addresses."
        />
        <FormError>{taken ? undefined : errors.rest}</FormError>
      </form>
    </Dialog>
  );
};
