import { signingRequestsList } from '@atrium/protocol';
import { Link } from '@tanstack/react-router';
import { useOperation } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { CountdownRing } from '../../ui/lifetime.tsx';

/** What waits for a signature of this person, for those who find no item in their inbox. Nothing when nothing waits. */
export const WaitingSignatures = () => {
  const waiting = useOperation(signingRequestsList, { status: ['pending'] });
  const items = waiting.data?.items ?? [];
  if (items.length === 0) return null;
  return (
    <ul aria-label="Waiting for your signature" className="mb-4 divide-y divide-line rounded-card border border-line">
      {items.map((request) => (
        <li key={request.id} className="flex items-center gap-3 px-4 py-3">
          <CountdownRing from={request.created_at} until={request.expires_at} />
          <span className="min-w-0 flex-1">
            <span dir="auto" className="block truncate text-14">
              {request.message}
            </span>
            <span className="block text-13 text-text-2">{request.asked_by?.name} asks for your signature</span>
          </span>
          <Button asChild size="small">
            <Link to="/sign/$requestId" params={{ requestId: request.id }}>
              Read and sign
            </Link>
          </Button>
        </li>
      ))}
    </ul>
  );
};
