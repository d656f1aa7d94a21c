import type { PeerView } from '@atrium/protocol';
import { Badge } from '../../ui/badge.tsx';

export const peersStale = [
  'federation.status',
  'federation.peers',
  'federation.peer',
  'federation.neighbours',
  'federation.invitations',
  'federation.publications',
  'federation.catalogue',
  'federation.rules',
];

const words: Record<string, string> = {
  pin_changed: 'It shows a certificate key that is not known',
  unknown_peer: 'It does not know this server any more',
  key_changed: 'Another server answers at its address',
};

/** What went wrong with a peer, as a sentence. */
export const errorOf = ({ last_error }: PeerView): string | null =>
  last_error === null ? null : (words[last_error] ?? last_error);

export const PeerState = ({ peer }: { peer: PeerView }) => {
  if (peer.state === 'online')
    return (
      <Badge dot tone="success">
        Linked
      </Badge>
    );
  if (peer.offered_pin !== null)
    return (
      <Badge dot tone="danger">
        Refused
      </Badge>
    );
  return (
    <Badge dot tone={peer.last_error === null ? 'neutral' : 'warning'}>
      Not linked
    </Badge>
  );
};
