import { type ClientView, clientsUpdate, type InputOf } from '@atrium/protocol';
import { type FormEvent, useState } from 'react';
import { formErrors } from '../../data/form-errors.ts';
import { useOperationMutation } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input, Textarea } from '../../ui/input.tsx';
import { linesOf } from './client-form.tsx';
import { provesByKeys } from './client-proof.tsx';

type Changes = Partial<InputOf<typeof clientsUpdate>>;

const valuesOf = (client: ClientView) => ({
  contacts: client.contacts.join('\n'),
  jwks_uri: client.jwks_uri ?? '',
  post_logout_redirect_uris: client.post_logout_redirect_uris.join('\n'),
  backchannel_logout_uri: client.backchannel_logout_uri ?? '',
  frontchannel_logout_uri: client.frontchannel_logout_uri ?? '',
});
type Values = ReturnType<typeof valuesOf>;
const lists = ['contacts', 'post_logout_redirect_uris'] as const;
const addresses = ['jwks_uri', 'backchannel_logout_uri', 'frontchannel_logout_uri'] as const;

/** Only what was edited, so that what others changed meanwhile stays. */
const changesOf = (values: Values, base: Values): Changes => ({
  ...Object.fromEntries(
    lists.flatMap((member) => (values[member] === base[member] ? [] : [[member, linesOf(values[member])]])),
  ),
  ...Object.fromEntries(
    addresses.flatMap((member) => (values[member] === base[member] ? [] : [[member, values[member].trim() || null]])),
  ),
});

const asked: Record<keyof Values, { label: string; hint: string }> = {
  contacts: { label: 'Contacts', hint: 'Mail addresses of whoever looks after it, one a line.' },
  jwks_uri: {
    label: 'Where its keys are',
    hint: 'An https address of a JWK set, for clients that sign their requests.',
  },
  post_logout_redirect_uris: {
    label: 'Addresses after a logout',
    hint: 'Where it may send a browser that signed out here, one a line.',
  },
  backchannel_logout_uri: {
    label: 'Logout call',
    hint: 'Is called when somebody signs out, again and again for a day until it answers.',
  },
  frontchannel_logout_uri: {
    label: 'Logout frame',
    hint: 'Is loaded by the browser of somebody who signs out, where this server has that switched on.',
  },
};

/** Whom to ask about a client, and how it hears that somebody left. */
export const ClientNotices = ({ client }: { client: ClientView }) => {
  const [base, setBase] = useState(client);
  const [values, setValues] = useState(() => valuesOf(client));
  const take = (from: ClientView) => {
    setBase(from);
    setValues(valuesOf(from));
  };
  const update = useOperationMutation(clientsUpdate, {
    quiet: true,
    invalidates: ['clients.list', 'clients.get'],
    done: () => 'Saved',
    onSuccess: take,
  });
  // Keys that it proves itself with are changed where they stand.
  const shown = [...lists, ...addresses].filter((one) => one !== 'jwks_uri' || !provesByKeys(client.auth_method));
  const errors = formErrors(update.error, shown);
  const changes = changesOf(values, valuesOf(base));
  const dirty = Object.keys(changes).length > 0;
  // Nothing is edited here: what others changed may show at once.
  if (!dirty && base.version !== client.version) take(client);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    update.mutate({ id: client.id, version: base.version, ...changes });
  };
  const field = (member: keyof Values) => {
    const control = {
      name: member.replaceAll('_', '-'),
      spellCheck: false,
      className: 'font-mono text-13',
      value: values[member],
      onChange: (event: { target: { value: string } }) => setValues({ ...values, [member]: event.target.value }),
    };
    return (
      <FormField key={member} {...asked[member]} required={false} error={errors.of(member)}>
        {member === 'contacts' || member === 'post_logout_redirect_uris' ? (
          <Textarea rows={1} {...control} />
        ) : (
          <Input {...control} />
        )}
      </FormField>
    );
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-6">
      {shown.map(field)}
      <FormError>{errors.rest}</FormError>
      <div>
        <Button type="submit" tone="primary" disabled={!dirty} busy={update.isPending}>
          Save notices
        </Button>
      </div>
    </form>
  );
};
