import type {
  federationCatalogue,
  federationInvite,
  federationNeighbours,
  federationPeers,
  federationPublications,
  federationRules,
  federationStatus,
  OutputOf,
  PeerView,
  RemoteAppView,
} from '@atrium/protocol';
import { ago } from './admin-answers.ts';
import { type Answers, me } from './recorded-api.ts';

/* Linked servers as a server answers them. */

const later = (minutes: number): string => ago(-minutes);
const id = (kind: number, index: number): string =>
  `01980000-d${kind}00-7000-8000-${index.toString(16).padStart(12, '0')}`;
const page = <T>(items: T[]) => ({ items, next_cursor: null });
const mara = { type: 'user' as const, id: me.user.id, name: me.user.name };
const day = 24 * 60;
const pin = 'sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=';

const peer = (index: number, more: Partial<PeerView>): PeerView => ({
  ...{ id: id(1, index), name: 'Garden house', address: 'https://garden.northwind.example', state: 'online' },
  ...{ dials: true, joined_by: 'invitation', fingerprint: '9f3c71a0'.repeat(8), pins: [pin], offered_pin: null },
  ...{ remote_routes: true, apps: 7, last_seen_at: ago(0), last_sync_at: ago(2), last_error: null },
  joined_at: ago(40 * day),
  ...more,
});

const peers: PeerView[] = [
  peer(0, {}),
  peer(1, {
    ...{ name: 'Studio of the people who make films in Göteborg and elsewhere', address: null, dials: false, apps: 0 },
    ...{ state: 'offline', remote_routes: false, last_seen_at: ago(3 * day), last_sync_at: ago(3 * day) },
  }),
  peer(2, {
    ...{ name: 'Warehouse', address: 'https://atrium.warehouse.northwind.example:4400', state: 'offline', apps: 2 },
    ...{ offered_pin: 'sha256/uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=', last_error: 'pin_changed' },
    last_seen_at: ago(95),
  }),
  peer(3, { name: 'بيت الحديقة', joined_by: 'cluster_secret', apps: 1 }),
];

const remoteApp = (index: number, name: string, more: Partial<RemoteAppView> = {}): RemoteAppView => ({
  ...{
    peer_id: peers[0]!.id,
    peer_name: peers[0]!.name,
    app: id(2, index),
    slug: name.toLowerCase(),
    name,
    icon: '📦',
  },
  ...{ description: '', tags: [], openable: true, local_app_id: null, local_slug: null, updated_at: ago(200) },
  ...more,
});

const neighbour = (index: number, name: string, state: 'new' | 'peer' | 'other_key') => ({
  ...{ id: id(6, index), name, address: `https://10.0.0.${index + 2}:4400`, fingerprint: '7ac09e41'.repeat(8), state },
  ...{ first_seen_at: ago(90), last_seen_at: ago(0) },
});
const neighbours: OutputOf<typeof federationNeighbours> = page([
  neighbour(0, 'Barn', 'new'),
  neighbour(1, 'Garden house', 'peer'),
  neighbour(2, 'Warehouse', 'other_key'),
]);
const received: OutputOf<typeof federationCatalogue> = page([
  remoteApp(0, 'Cameras', { description: 'Four cameras of the yard', openable: false }),
  remoteApp(1, 'Jellyfin', { local_app_id: id(3, 0), local_slug: 'films', description: 'Films and series' }),
  remoteApp(2, 'Paperless', { description: 'Letters and invoices since 2011, all of them read and sorted' }),
]);
const published: OutputOf<typeof federationPublications> = page([
  { app_id: id(3, 1), slug: 'notes', name: 'Notes', peer_ids: null, published_by: mara, published_at: ago(9 * day) },
  {
    ...{ app_id: id(3, 2), slug: 'wiki', name: 'Wiki', peer_ids: [peers[0]!.id], published_by: mara },
    published_at: ago(day),
  },
]);
const rules: OutputOf<typeof federationRules> = page([
  {
    ...{ id: id(4, 0), peer_id: peers[0]!.id, match: 'email' as const, value: 'bo@garden.northwind.example' },
    ...{ app_id: null, created_by: mara, created_at: ago(day) },
  },
  {
    ...{ id: id(4, 1), peer_id: peers[0]!.id, match: 'group' as const, value: 'gardeners' },
    ...{ app_id: null, created_by: mara, created_at: ago(2 * day) },
  },
]);
const status: OutputOf<typeof federationStatus> = {
  ...{ enabled: true, id: id(0, 0), name: 'House', address: 'https://atrium.northwind.example' },
  ...{ fingerprint: '1b2a4c3d'.repeat(8), pins: [pin], allow_remote_routes: true, cluster: false },
  ...{ peers: 4, online: 2, published: 2, received: 10 },
};
const invited: OutputOf<typeof federationInvite> = {
  ...{ id: id(5, 0), note: '', created_by: mara, created_at: ago(0), expires_at: later(60), used_at: null },
  ...{ used_by: null, invitation: `atrium-peer:${'eyJ2IjoxLCJ1cmwiOiJodHRwczovL2F0cml1bS5ub3J0aHdpbmQ'.repeat(5)}` },
};

const root = '/api/v1/federation';
const ok = (body: unknown) => ({ body });
export const peerAnswers: Answers = {
  [`GET ${root}/status`]: ok(status),
  [`GET ${root}/peers`]: ok(page(peers) satisfies OutputOf<typeof federationPeers>),
  [`GET ${root}/neighbours`]: ok(neighbours),
  [`GET ${root}/apps`]: ok(received),
  [`GET ${root}/publications`]: ok(published),
  [`GET ${root}/rules`]: ok(rules),
  [`POST ${root}/invitations`]: { status: 201, body: invited },
};

export const noPeersAnswers: Answers = {
  ...peerAnswers,
  [`GET ${root}/status`]: ok({ ...status, enabled: false, id: null, fingerprint: null, peers: 0, online: 0 }),
  ...Object.fromEntries(
    ['peers', 'neighbours', 'apps', 'publications', 'rules'].map((list) => [`GET ${root}/${list}`, ok(page([]))]),
  ),
};
