import {
  appsList,
  federationCatalogue,
  federationMount,
  federationNeighbours,
  federationPair,
  federationPeers,
  federationPublications,
  federationPublish,
  federationStatus,
  federationUnmount,
  federationUnpublish,
  type NeighbourView,
  type PeerView,
  type PublicationView,
  type RemoteAppView,
} from '@atrium/protocol';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useId, useState } from 'react';
import { OperationTable } from '../../app/operation-table.tsx';
import { formErrors } from '../../data/form-errors.ts';
import { operationQuery, useOperation, useOperationList, useOperationMutation } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { CopyLine } from '../../ui/copy-line.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Notice } from '../../ui/notice.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { Select } from '../../ui/select.tsx';
import { useShortcut } from '../../ui/shortcuts.tsx';
import type { Column } from '../../ui/table.tsx';
import { Segmented } from '../../ui/tabs.tsx';
import { InviteDialog, JoinDialog, PeerDialog } from './peer-dialogs.tsx';
import { PeerState, peersStale } from './peer-parts.tsx';
import { ServerHeader } from './server-header.tsx';

type View = 'peers' | 'neighbours' | 'received' | 'published';
type Opened = 'invite' | 'join' | 'publish' | PeerView | null;

export const PeersPage = () => {
  const [view, setView] = useState<View>('peers');
  const [opened, setOpened] = useState<Opened>(null);
  const { data: status } = useOperation(federationStatus, {});
  const off = status?.enabled === false;
  const close = () => setOpened(null);
  useShortcut('c', 'Invite a server', () => !off && setOpened('invite'));
  return (
    <>
      <ServerHeader
        title="Peers"
        filters={
          <Segmented<View>
            label="What is shown"
            value={view}
            onChange={setView}
            options={[
              { value: 'peers', label: 'Servers' },
              { value: 'neighbours', label: 'Nearby' },
              { value: 'received', label: 'Their apps' },
              { value: 'published', label: 'Our apps' },
            ]}
          />
        }
        tools={
          view === 'peers' && (
            <Button size="small" disabled={off} onClick={() => setOpened('join')}>
              Join a server
            </Button>
          )
        }
        action={
          <Button
            tone="primary"
            size="small"
            disabled={off}
            onClick={() => setOpened(view === 'published' ? 'publish' : 'invite')}
          >
            {view === 'published' ? 'Publish an app' : 'Invite a server'}
          </Button>
        }
      />
      {off && (
        <div className="px-4 pt-4 md:px-6">
          <Notice tone="info">
            <span className="flex flex-col gap-2">
              Federation is off: no server is linked and none can join.
              <CopyLine text="ATRIUM_FEDERATION_ENABLED=true npm start" />
            </span>
          </Notice>
        </div>
      )}
      {view === 'peers' ? (
        <PeerTable off={off} onOpen={setOpened} />
      ) : view === 'neighbours' ? (
        <NeighbourTable off={off} cluster={status?.cluster === true} onJoin={() => setOpened('join')} />
      ) : view === 'received' ? (
        <ReceivedTable allowed={status?.allow_remote_routes === true} />
      ) : (
        <PublishedTable off={off} onPublish={() => setOpened('publish')} />
      )}
      <InviteDialog key={`invite ${opened === 'invite'}`} open={opened === 'invite'} onClose={close} />
      <JoinDialog key={`join ${opened === 'join'}`} open={opened === 'join'} onClose={close} />
      <PublishDialog key={`publish ${opened === 'publish'}`} open={opened === 'publish'} onClose={close} />
      {opened !== null && typeof opened === 'object' && <PeerDialog peer={opened} onClose={close} />}
    </>
  );
};

/* ---------- servers ---------- */

const peerColumns: Column<PeerView>[] = [
  {
    id: 'name',
    header: 'Server',
    width: 'minmax(150px, 1fr)',
    cell: (peer) => (
      <span dir="auto" className="truncate font-medium text-text">
        {peer.name}
      </span>
    ),
    value: (peer) => peer.name,
  },
  {
    id: 'state',
    header: 'State',
    width: '130px',
    cell: (peer) => <PeerState peer={peer} />,
    value: (peer) => peer.state,
  },
  {
    id: 'address',
    header: 'Address',
    width: 'minmax(180px, 1.4fr)',
    cell: (peer) =>
      peer.address === null ? (
        <span className="text-text-3">it calls us</span>
      ) : (
        <code className="truncate text-13 text-text-2">{peer.address.replace(/^https?:\/\//, '')}</code>
      ),
    value: (peer) => peer.address,
  },
  {
    id: 'apps',
    header: 'Apps',
    width: '80px',
    align: 'right',
    cell: (peer) => <span className="tabular text-text-2">{peer.apps}</span>,
    value: (peer) => peer.apps,
  },
  {
    id: 'seen',
    header: 'Last seen',
    width: 'minmax(110px, 0.7fr)',
    cell: ({ last_seen_at }) =>
      last_seen_at === null ? (
        <span className="text-text-3">never</span>
      ) : (
        <RelativeTime time={last_seen_at} className="text-text-2" />
      ),
    value: ({ last_seen_at }) => last_seen_at && Date.parse(last_seen_at),
  },
  {
    id: 'joined',
    header: 'Joined',
    width: 'minmax(110px, 0.7fr)',
    wide: true,
    cell: (peer) => <RelativeTime time={peer.joined_at} className="text-text-2" />,
    value: (peer) => Date.parse(peer.joined_at),
  },
];

const PeerTable = ({ off, onOpen }: { off: boolean; onOpen: (opened: Opened) => void }) => (
  <OperationTable<PeerView>
    id="peers"
    label="Peers"
    list={useOperationList(federationPeers, {})}
    columns={peerColumns}
    rowKey={(peer) => peer.id}
    onOpen={onOpen}
    card={(peer) => ({
      title: <span dir="auto">{peer.name}</span>,
      detail: peer.address ?? 'it calls us',
      trailing: <PeerState peer={peer} />,
    })}
    empty={
      <EmptyState
        title="Another Atrium can show its apps here, and yours there"
        action={
          <Button tone="primary" disabled={off} onClick={() => onOpen('invite')}>
            Invite a server
          </Button>
        }
      >
        Two servers prove to each other who they are and keep one encrypted link. Nothing is shared until you publish an
        app, and nobody there may open it until a rule of yours says so.
      </EmptyState>
    }
  />
);

/* ---------- servers of the local network ---------- */

const NeighbourTable = ({ off, cluster, onJoin }: { off: boolean; cluster: boolean; onJoin: () => void }) => {
  const pair = useOperationMutation(federationPair, {
    invalidates: peersStale,
    done: (peer) => `${peer.name} is a peer now`,
  });
  const act = ({ id, name, state }: NeighbourView) => {
    if (state === 'peer') return <span className="text-12 text-text-3">paired</span>;
    if (state === 'other_key')
      return <span className="text-12 text-danger-text">not the key of the peer that it says it is</span>;
    return (
      <Button
        size="small"
        disabled={off}
        aria-label={cluster ? `Pair with ${name}` : `Join ${name} by an invitation`}
        onClick={() => (cluster ? pair.mutate({ id }) : onJoin())}
      >
        {cluster ? 'Pair' : 'Join'}
      </Button>
    );
  };
  const columns: Column<NeighbourView>[] = [
    {
      id: 'name',
      header: 'Server',
      width: 'minmax(150px, 1fr)',
      cell: (server) => (
        <span dir="auto" className="truncate font-medium text-text">
          {server.name}
        </span>
      ),
      value: (server) => server.name,
    },
    {
      id: 'address',
      header: 'Address',
      width: 'minmax(180px, 1.2fr)',
      cell: ({ address }) => <code className="truncate text-13 text-text-2">{address}</code>,
      value: ({ address }) => address,
    },
    {
      id: 'fingerprint',
      header: 'Fingerprint',
      width: 'minmax(150px, 1fr)',
      wide: true,
      cell: ({ fingerprint }) => (
        <code title={fingerprint} className="truncate text-13 text-text-2">
          {fingerprint}
        </code>
      ),
      value: ({ fingerprint }) => fingerprint,
    },
    { id: 'act', header: '', width: '180px', align: 'right', cell: act },
  ];
  return (
    <OperationTable<NeighbourView>
      id="neighbours"
      label="Servers of the local network"
      list={useOperationList(federationNeighbours, {})}
      columns={columns}
      rowKey={({ id }) => id}
      card={(server) => ({
        title: <span dir="auto">{server.name}</span>,
        detail: server.address,
        trailing: act(server),
      })}
      empty={
        <EmptyState plain title="No other Atrium announces itself in this network">
          Set ATRIUM_FEDERATION_MDNS=true at both servers. What they say of themselves is not proven: none is a peer
          before you pair with it.
        </EmptyState>
      }
    />
  );
};

/* ---------- apps of peers ---------- */

const ReceivedTable = ({ allowed }: { allowed: boolean }) => {
  const mount = useOperationMutation(federationMount, {
    invalidates: [...peersStale, 'apps.list', 'routes.list'],
    done: (app) => `${app.name} opens here now`,
  });
  const unmount = useOperationMutation(federationUnmount, {
    invalidates: [...peersStale, 'apps.list', 'routes.list'],
    done: () => 'It opens here no longer',
  });
  const act = (app: RemoteAppView) => {
    const { peer_id, app: id, name } = app;
    if (app.local_app_id !== null)
      return (
        <Button
          size="small"
          tone="ghost"
          aria-label={`Remove ${name}`}
          onClick={() => unmount.mutate({ peer_id, app: id })}
        >
          Remove
        </Button>
      );
    if (!app.openable) return <span className="text-12 text-text-3">host name only</span>;
    return (
      <Button
        size="small"
        disabled={!allowed}
        aria-label={`Open here: ${name}`}
        onClick={() => mount.mutate({ peer_id, app: id })}
      >
        Open here
      </Button>
    );
  };
  const columns: Column<RemoteAppView>[] = [
    {
      id: 'name',
      header: 'App',
      width: 'minmax(150px, 1fr)',
      cell: (app) => (
        <span dir="auto" className="truncate font-medium text-text">
          {app.name}
        </span>
      ),
      value: (app) => app.name,
    },
    {
      id: 'peer',
      header: 'From',
      width: 'minmax(130px, 0.8fr)',
      cell: (app) => (
        <span dir="auto" className="truncate text-text-2">
          {app.peer_name}
        </span>
      ),
      value: (app) => app.peer_name,
    },
    {
      id: 'about',
      header: 'About',
      width: 'minmax(160px, 1.6fr)',
      wide: true,
      cell: (app) => (
        <span dir="auto" className="truncate text-text-2">
          {app.description}
        </span>
      ),
      value: (app) => app.description,
    },
    {
      id: 'here',
      header: 'Here',
      width: 'minmax(120px, 0.7fr)',
      cell: (app) =>
        app.local_slug === null ? (
          <span className="text-text-3">–</span>
        ) : (
          <code className="truncate text-13 text-text-2">/apps/{app.local_slug}/</code>
        ),
      value: (app) => app.local_slug,
    },
    { id: 'act', header: '', width: '120px', align: 'right', cell: act },
  ];
  return (
    <>
      {!allowed && (
        <div className="px-4 pt-4 md:px-6">
          <Notice tone="info">
            <span className="flex flex-col gap-2">
              Catalogues are shared, but apps of peers are not opened here.
              <CopyLine text="ATRIUM_FEDERATION_ALLOW_REMOTE_ROUTES=true npm start" />
            </span>
          </Notice>
        </div>
      )}
      <OperationTable<RemoteAppView>
        id="peer-apps"
        label="Apps of peers"
        list={useOperationList(federationCatalogue, {})}
        columns={columns}
        rowKey={(app) => `${app.peer_id} ${app.app}`}
        card={(app) => ({
          title: <span dir="auto">{app.name}</span>,
          detail: app.local_slug === null ? app.peer_name : `${app.peer_name}, at /apps/${app.local_slug}/`,
          trailing: act(app),
        })}
        empty={
          <EmptyState plain title="No peer publishes anything to this server">
            What a peer publishes stands here within a moment.
          </EmptyState>
        }
      />
    </>
  );
};

/* ---------- apps of this server ---------- */

const PublishedTable = ({ off, onPublish }: { off: boolean; onPublish: () => void }) => {
  const { items: peers } = useOperationList(federationPeers, {});
  const unpublish = useOperationMutation(federationUnpublish, {
    invalidates: peersStale,
    done: () => 'It is taken back from every peer',
  });
  const seenBy = ({ peer_ids }: PublicationView): string =>
    peer_ids === null
      ? 'Every peer'
      : peer_ids.map((id) => peers.find((peer) => peer.id === id)?.name ?? 'a server that left').join(', ') || 'Nobody';
  const takeBack = (app: PublicationView) => (
    <Button
      size="small"
      tone="ghost"
      aria-label={`Take back ${app.name}`}
      onClick={() => unpublish.mutate({ app_id: app.app_id })}
    >
      Take back
    </Button>
  );
  const columns: Column<PublicationView>[] = [
    {
      id: 'name',
      header: 'App',
      width: 'minmax(150px, 1fr)',
      cell: (app) => (
        <span dir="auto" className="truncate font-medium text-text">
          {app.name}
        </span>
      ),
      value: (app) => app.name,
    },
    {
      id: 'seen',
      header: 'Seen by',
      width: 'minmax(150px, 1fr)',
      cell: (app) => <span className="truncate text-text-2">{seenBy(app)}</span>,
      value: seenBy,
    },
    {
      id: 'by',
      header: 'Published by',
      width: 'minmax(130px, 0.8fr)',
      wide: true,
      cell: (app) => <span className="truncate text-text-2">{app.published_by.name}</span>,
      value: (app) => app.published_by.name,
    },
    {
      id: 'at',
      header: 'Since',
      width: 'minmax(110px, 0.6fr)',
      cell: (app) => <RelativeTime time={app.published_at} className="text-text-2" />,
      value: (app) => Date.parse(app.published_at),
    },
    { id: 'act', header: '', width: '110px', align: 'right', cell: takeBack },
  ];
  return (
    <OperationTable<PublicationView>
      id="publications"
      label="Published apps"
      list={useOperationList(federationPublications, {})}
      columns={columns}
      rowKey={(app) => app.app_id}
      card={(app) => ({ title: <span dir="auto">{app.name}</span>, detail: seenBy(app), trailing: takeBack(app) })}
      empty={
        <EmptyState
          title="Peers see none of your apps"
          action={
            <Button tone="primary" disabled={off} onClick={onPublish}>
              Publish an app
            </Button>
          }
        >
          A published app is seen by its name, icon and description. Who may open it is another decision: open a peer
          and add a rule for a person or a group there.
        </EmptyState>
      }
    />
  );
};

const everyPeer = 'every';

const PublishDialog = ({ open, onClose }: { open: boolean; onClose: () => void }) => {
  const form = useId();
  const [app, setApp] = useState<string>();
  const [peer, setPeer] = useState(everyPeer);
  const { data: apps } = useQuery({ ...operationQuery(appsList, { limit: 200 }), enabled: open });
  const { data: peers } = useQuery({ ...operationQuery(federationPeers, { limit: 200 }), enabled: open });
  const publish = useOperationMutation(federationPublish, {
    quiet: true,
    invalidates: peersStale,
    done: (made) => `${made.name} is published`,
    onSuccess: onClose,
  });
  const errors = formErrors(publish.error, ['app_id', 'peer_ids']);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (app !== undefined) publish.mutate({ app_id: app, peer_ids: peer === everyPeer ? null : [peer] });
  };
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => !next && onClose()}
      title="Publish an app"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button tone="primary" type="submit" form={form} busy={publish.isPending} disabled={app === undefined}>
            Publish app
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-5">
        <FormField label="App" error={errors.of('app_id')}>
          <Select
            value={app}
            onChange={setApp}
            options={(apps?.items ?? []).map(({ id, name }) => ({ value: id, label: name }))}
          />
        </FormField>
        <FormField label="Who sees it" error={errors.of('peer_ids')}>
          <Select
            value={peer}
            onChange={setPeer}
            options={[
              { value: everyPeer, label: 'Every peer' },
              ...(peers?.items ?? []).map(({ id, name }) => ({ value: id, label: name })),
            ]}
          />
        </FormField>
        <FormError>{errors.rest}</FormError>
      </form>
    </Dialog>
  );
};
