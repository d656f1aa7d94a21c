import { type OutputOf, providersDelete, providersList, providersTest, providersUpdate } from '@atrium/protocol';
import { useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { useOperationList, useOperationMutation } from '../../data/operations.ts';
import { useMe } from '../../data/session.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { ConfirmDialog } from '../../ui/dialog.tsx';
import { Notice } from '../../ui/notice.tsx';
import { Section, Sections } from '../../ui/section.tsx';
import { SkeletonRows } from '../../ui/skeleton.tsx';
import { toast } from '../../ui/toast.tsx';
import { Switch } from '../../ui/toggles.tsx';
import { ProviderMark } from '../identity/provider-mark.tsx';
import { ProviderDialog } from './provider-dialog.tsx';
import { SettingsBody } from './settings-header.tsx';

type Provider = OutputOf<typeof providersList>['items'][number];

/** Where else people may sign in; for operators of the server. */
export const ProvidersPage = () => {
  const { is_operator } = useMe();
  return (
    <SettingsBody title="Sign-in providers">
      <Sections>
        <Section
          title="Providers"
          lead="Accounts elsewhere that people may sign in with, on the whole server. Changes count at once."
        >
          {is_operator ? (
            <Providers />
          ) : (
            <Notice>Operators of this server see this, if they signed in within the last 12 hours.</Notice>
          )}
        </Section>
      </Sections>
    </SettingsBody>
  );
};

const Providers = () => {
  const list = useOperationList(providersList, {});
  const [editing, setEditing] = useState<Provider | 'new' | null>(null);
  const [removing, setRemoving] = useState<Provider | null>(null);
  const remove = useOperationMutation(providersDelete, {
    invalidates: ['providers.list', 'auth.methods'],
    done: () => 'The provider is removed',
    onSuccess: () => setRemoving(null),
  });
  if (list.isPending) return <SkeletonRows rows={2} tall />;
  if (list.error) return <LoadError error={list.error} retry={list.refetch} />;
  const add = (
    <Button size="small" onClick={() => setEditing('new')}>
      Add a provider
    </Button>
  );
  return (
    <div className="flex flex-col items-start gap-3">
      {list.items.length === 0 ? (
        <div className="flex w-full flex-col items-center gap-3 rounded-card border border-dashed border-line-strong px-4 py-8 text-center">
          <p className="max-w-[44ch] text-13 text-pretty text-text-2">
            GitHub, Google, Apple, Microsoft, Okta, Auth0, GitLab, or any issuer that speaks OpenID Connect.
          </p>
          {add}
        </div>
      ) : (
        <>
          <ul className="w-full divide-y divide-line rounded-card border border-line">
            {list.items.map((provider) => (
              <ProviderRow
                key={provider.id}
                provider={provider}
                onEdit={() => setEditing(provider)}
                onRemove={() => setRemoving(provider)}
              />
            ))}
          </ul>
          <div className="flex gap-2">
            {add}
            {list.hasMore && (
              <Button size="small" tone="ghost" busy={list.loadingMore} onClick={list.loadMore}>
                Show more
              </Button>
            )}
          </div>
        </>
      )}
      {editing !== null && (
        <ProviderDialog
          key={editing === 'new' ? 'new' : editing.id}
          provider={editing === 'new' ? null : editing}
          onClose={() => setEditing(null)}
        />
      )}
      <ConfirmDialog
        key={removing?.id}
        open={removing !== null}
        onOpenChange={(open) => !open && setRemoving(null)}
        title={`Remove ${removing?.name ?? 'provider'}`}
        verb="Remove provider"
        typeName={removing?.name}
        busy={remove.isPending}
        onConfirm={() => removing && remove.mutate({ id: removing.id })}
      >
        Accounts linked to it are unlinked. Whoever has no other way in needs a mailed link afterwards.
      </ConfirmDialog>
    </div>
  );
};

const ProviderRow = ({
  provider,
  onEdit,
  onRemove,
}: {
  provider: Provider;
  onEdit: () => void;
  onRemove: () => void;
}) => {
  const update = useOperationMutation(providersUpdate, { invalidates: ['providers.list', 'auth.methods'] });
  const check = useOperationMutation(providersTest, {
    onSuccess: ({ ok, detail }) => toast({ title: detail, tone: ok ? 'success' : 'danger' }),
  });
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-2 px-4 py-3">
      <ProviderMark name={provider.name} size={28} />
      <span className="min-w-40 flex-1">
        <span className="flex flex-wrap items-center gap-2 text-14 font-medium">
          <span dir="auto" className="break-words">
            {provider.name}
          </span>
          {provider.may_vouch && <Badge>Vouches for addresses</Badge>}
        </span>
        <span className="block font-mono text-12 break-all text-text-2">{provider.callback_url}</span>
      </span>
      <span className="flex items-center gap-1">
        <Button
          size="small"
          tone="ghost"
          busy={check.isPending}
          aria-label={`Test ${provider.name}`}
          onClick={() => check.mutate({ id: provider.id })}
        >
          Test
        </Button>
        <Button size="small" tone="ghost" aria-label={`Edit ${provider.name}`} onClick={onEdit}>
          Edit
        </Button>
        <Button size="small" tone="ghost" aria-label={`Remove ${provider.name}`} onClick={onRemove}>
          Remove
        </Button>
        <span className="ml-2">
          <Switch
            bare
            label={`${provider.name} is offered`}
            checked={provider.enabled}
            disabled={update.isPending}
            onChange={(enabled) => update.mutate({ id: provider.id, enabled })}
          />
        </span>
      </span>
    </li>
  );
};
