import { type Device, devicesGet, devicesList } from '@atrium/protocol';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { OperationTable } from '../../app/operation-table.tsx';
import { prefetchOperation, useOperationList } from '../../data/operations.ts';
import { useCan } from '../../data/session.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { ToggleChip } from '../../ui/filter-chips.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { SearchField } from '../../ui/search-field.tsx';
import { useShortcut } from '../../ui/shortcuts.tsx';
import type { Column } from '../../ui/table.tsx';
import { DeviceMark } from './device-mark.tsx';
import { deviceKind, deviceState } from './device-words.ts';
import { openPair } from './pair-store.ts';

export const DevicesPage = () => {
  const [q, setQ] = useState('');
  const [all, setAll] = useState(false);
  const [revoked, setRevoked] = useState(false);
  const list = useOperationList(
    devicesList,
    { ...(q ? { q } : {}), ...(all ? { everyone: true } : {}), ...(revoked ? { include_revoked: true } : {}) },
    { keepPrevious: true },
  );
  const mayPair = useCan('devices.pair');
  const mayManage = useCan('devices.manage');
  const navigate = useNavigate();
  useShortcut('c', 'Pair a device', openPair, { enabled: mayPair });
  const bare = q === '' && !all && !revoked;
  const nothing = !list.isPending && !list.error && list.items.length === 0 && bare;
  return (
    <>
      <PageHeader
        title="Devices"
        action={
          mayPair && (
            <Button tone="primary" size="small" onClick={openPair}>
              Pair a device
            </Button>
          )
        }
        filters={
          <div className="flex items-center gap-1.5">
            {!nothing && <SearchField className="max-md:min-w-44" label="Find a device" value={q} onChange={setQ} />}
            {mayManage && <ToggleChip label="Everybody’s" on={all} onChange={setAll} />}
            <ToggleChip label="With revoked" on={revoked} onChange={setRevoked} />
          </div>
        }
      />
      <OperationTable
        id="devices"
        label="Devices"
        list={list}
        columns={all ? [...columns.slice(0, 2), ownerColumn, ...columns.slice(2)] : columns}
        rowKey={(device) => device.id}
        onOpen={(device) => void navigate({ to: '/devices/$id', params: { id: device.id } })}
        card={cardOf(all)}
        empty={
          bare ? (
            <EmptyState
              title="A phone, a desktop or another browser joins by a picture"
              action={
                mayPair && (
                  <Button tone="primary" onClick={openPair}>
                    Pair the first device
                  </Button>
                )
              }
              docs={{ href: '/api/docs#devices', label: 'How a device joins' }}
            >
              It gets a key of its own, opens your apps from anywhere, and can be shut out alone.
            </EmptyState>
          ) : (
            <EmptyState plain title={q ? `No device is called “${q}”` : 'No device has joined'} />
          )
        }
      />
    </>
  );
};

export const DeviceState = ({ device }: { device: Device }) => {
  const { word, tone } = deviceState(device);
  return (
    <Badge dot tone={tone}>
      {word}
    </Badge>
  );
};

const columns: Column<Device>[] = [
  {
    id: 'name',
    header: 'Name',
    width: 'minmax(200px, 2fr)',
    cell: (device) => (
      <span
        className="flex min-w-0 items-center gap-2.5"
        onPointerEnter={() => prefetchOperation(devicesGet, { id: device.id })}
      >
        <DeviceMark device={device} />
        <span dir="auto" className="truncate font-medium text-text">
          {device.name}
        </span>
      </span>
    ),
    value: (device) => device.name,
  },
  {
    id: 'state',
    header: 'State',
    width: 'minmax(128px, 0.8fr)',
    cell: (device) => <DeviceState device={device} />,
    value: (device) => deviceState(device).word,
  },
  {
    id: 'kind',
    header: 'Kind',
    width: 'minmax(140px, 1.2fr)',
    cell: (device) => <span className="truncate text-text-2">{deviceKind(device)}</span>,
    value: deviceKind,
  },
  {
    id: 'seen',
    header: 'Last seen',
    width: 'minmax(128px, 0.8fr)',
    cell: (device) =>
      device.last_seen_at ? (
        <RelativeTime time={device.last_seen_at} className="text-text-2" />
      ) : (
        <span className="text-text-3">never</span>
      ),
    value: (device) => device.last_seen_at && Date.parse(device.last_seen_at),
  },
  {
    id: 'paired',
    header: 'Paired',
    width: 'minmax(128px, 0.8fr)',
    cell: (device) => <RelativeTime time={device.created_at} className="text-text-2" />,
    value: (device) => Date.parse(device.created_at),
  },
];

const ownerColumn: Column<Device> = {
  id: 'owner',
  header: 'Owner',
  width: 'minmax(120px, 1fr)',
  cell: (device) => <span className="truncate text-text-2">{device.owner.name}</span>,
  value: (device) => device.owner.name,
};

const cardOf = (withOwner: boolean) => (device: Device) => ({
  leading: <DeviceMark device={device} size={32} />,
  title: device.name,
  detail: withOwner ? `${deviceKind(device)} · ${device.owner.name}` : deviceKind(device),
  trailing: (
    <>
      <DeviceState device={device} />
      <span className="block">
        {device.last_seen_at ? <RelativeTime short time={device.last_seen_at} /> : 'never seen'}
      </span>
    </>
  ),
});
