import { type AgentView, channelsList } from '@atrium/protocol';
import { useState } from 'react';
import { useOperation } from '../../data/operations.ts';
import { Combobox } from '../../ui/combobox.tsx';
import { FormField } from '../../ui/form-field.tsx';
import { RadioGroup } from '../../ui/toggles.tsx';

type ItemScope = AgentView['item_scope'];

const options = [
  { value: 'own', label: 'Its own items', hint: 'What it asked or said itself. Enough for most agents.' },
  { value: 'channels', label: 'Listed channels', hint: 'Its own items, and everything in the channels you name.' },
  { value: 'org', label: 'The whole organisation', hint: 'Every item that is not private to people.' },
];

/** Which items an agent sees. */
export const ItemScopeEditor = ({
  value,
  onChange,
  disabled,
  error,
}: {
  value: ItemScope;
  onChange: (scope: ItemScope) => void;
  disabled?: boolean;
  error?: string;
}) => {
  const [q, setQ] = useState('');
  const wanted = value.kind === 'channels';
  const channels = useOperation(
    channelsList,
    { limit: 200, ...(q ? { q } : {}) },
    { enabled: wanted, keepPrevious: true },
  );
  const known = channels.data?.items ?? [];
  const chosen = value.kind === 'channels' ? value.channel_ids : [];
  return (
    <div className="flex flex-col gap-3">
      <RadioGroup
        label="Items it sees"
        look="cards"
        value={value.kind}
        options={options}
        disabled={disabled}
        onChange={(kind) =>
          onChange(kind === 'channels' ? { kind, channel_ids: chosen } : { kind: kind as 'own' | 'org' })
        }
      />
      {wanted && (
        <FormField label="Channels" error={error}>
          <Combobox
            multiple
            placeholder="Choose channels"
            searchPlaceholder="Find a channel"
            empty="No channel that you see has this name."
            disabled={disabled}
            options={[
              ...known.map((channel) => ({ value: channel.id, label: `#${channel.name}` })),
              ...chosen
                .filter((id) => channels.data && q === '' && !known.some((channel) => channel.id === id))
                .map((id) => ({ value: id, label: 'A channel you do not see' })),
            ]}
            value={chosen}
            onSearch={setQ}
            onChange={(channel_ids) => onChange({ kind: 'channels', channel_ids })}
          />
        </FormField>
      )}
    </div>
  );
};
