import { deviceCodesExpire, deviceCodesList, type OutputOf } from '@atrium/protocol';
import { OperationTable } from '../../app/operation-table.tsx';
import { patchItem, useOperationList, useOperationMutation } from '../../data/operations.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { AgentMark } from '../../ui/identity-mark.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import type { Column } from '../../ui/table.tsx';
import { PartyName } from './access-parts.tsx';
import { ServerHeader } from './server-header.tsx';

type DeviceCode = OutputOf<typeof deviceCodesList>['items'][number];

/** Codes live for minutes, so the page looks often. */
const askAgainMs = 5000;

export const DeviceCodesPage = () => {
  const list = useOperationList(deviceCodesList, {}, { refetchInterval: askAgainMs });
  const expire = useOperationMutation(deviceCodesExpire, {
    invalidates: ['device_codes.list', 'server.overview'],
    optimistic: ({ id }) => [patchItem<DeviceCode>('device_codes.list', id, () => null)],
    done: () => 'The code is ended; the device hears that it expired',
  });
  const end = (code: DeviceCode) => (
    <Button
      size="small"
      tone="ghost"
      aria-label={`End the code of ${code.client.name}`}
      onClick={() => expire.mutate({ id: code.id })}
    >
      End
    </Button>
  );
  const columns: Column<DeviceCode>[] = [
    {
      id: 'client',
      header: 'Client',
      width: 'minmax(180px, 1.3fr)',
      cell: (code) => <PartyName party={code.client} size={22} first />,
      value: (code) => code.client.name,
    },
    {
      id: 'code',
      header: 'Code',
      width: '120px',
      cell: (code) => <MaskedCode hint={code.user_code_hint} />,
    },
    {
      id: 'state',
      header: 'State',
      width: 'minmax(160px, 1fr)',
      cell: (code) => <CodeState code={code} />,
      value: (code) => code.state,
    },
    {
      id: 'scopes',
      header: 'Asks for',
      width: 'minmax(140px, 1.3fr)',
      wide: true,
      cell: (code) => <span className="truncate text-text-2">{code.scopes.join(' ')}</span>,
      value: (code) => code.scopes.join(' '),
    },
    {
      id: 'since',
      header: 'Asked',
      width: 'minmax(110px, 0.7fr)',
      cell: (code) => <RelativeTime time={code.created_at} className="text-text-2" />,
      value: (code) => Date.parse(code.created_at),
    },
    {
      id: 'ends',
      header: 'Ends',
      width: 'minmax(110px, 0.7fr)',
      cell: (code) => <RelativeTime time={code.expires_at} className="text-text-2" />,
      value: (code) => Date.parse(code.expires_at),
    },
    { id: 'end', header: '', width: '72px', align: 'right', cell: end },
  ];
  return (
    <>
      <ServerHeader title="Device codes" />
      <OperationTable
        id="device-codes"
        label="Device codes"
        list={list}
        columns={columns}
        rowKey={(code) => code.id}
        card={(code) => ({
          leading: <AgentMark id={code.client.id} name={code.client.name} size={32} />,
          title: code.client.name,
          detail: <CodeState code={code} />,
          trailing: end(code),
        })}
        empty={
          <EmptyState title="No device waits for a person" line={{ text: `${location.origin}/device` }}>
            A device without a browser shows a short code; a person types it at this address and says what it may do.
            The codes that wait stand here, masked.
          </EmptyState>
        }
      />
    </>
  );
};

const MaskedCode = ({ hint }: { hint: string | null }) => (
  <code className="text-13 text-text-2">
    {hint ?? ''}
    <span aria-hidden className="tracking-tighter text-text-3">
      ••••••
    </span>
    <span className="sr-only"> and hidden characters</span>
  </code>
);

const CodeState = ({ code }: { code: DeviceCode }) => {
  const words = {
    pending: 'Waits for a person',
    claimed: `Opened by ${code.claimed_by?.name ?? ''}`,
    used: 'Used',
    expired: 'Expired',
  };
  const tones = { pending: 'warning', claimed: 'info', used: 'success', expired: 'neutral' } as const;
  return (
    <Badge dot tone={tones[code.state]} className="max-w-full min-w-0">
      <span className="truncate">{words[code.state]}</span>
    </Badge>
  );
};
