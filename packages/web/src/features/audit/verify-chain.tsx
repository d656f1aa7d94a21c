import { auditVerify, type OutputOf } from '@atrium/protocol';
import { useMutation } from '@tanstack/react-query';
import { ShieldCheck, X } from 'lucide-react';
import { call, sayError } from '../../data/client.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { Notice } from '../../ui/notice.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';

type Verdict = OutputOf<typeof auditVerify>;

/** Recomputes every hash on the server when asked. */
export const useVerifyChain = () => useMutation({ mutationFn: () => call(auditVerify, {}) });

export const VerifyButton = ({ verify }: { verify: ReturnType<typeof useVerifyChain> }) => (
  <Button
    size="small"
    busy={verify.isPending}
    icon={<ShieldCheck aria-hidden className="size-4" />}
    onClick={() => verify.mutate()}
  >
    Verify chain
  </Button>
);

/** What the check found, until it is dismissed. */
export const VerifyResult = ({ verify }: { verify: ReturnType<typeof useVerifyChain> }) => {
  const dismiss = (
    <IconButton label="Dismiss" size="small" tooltip={false} className="-my-1 -mr-1.5" onClick={() => verify.reset()}>
      <X />
    </IconButton>
  );
  if (!verify.error && !verify.data) return null;
  return (
    <div role="status" className="animate-fade-in border-b border-line px-4 py-2.5 md:px-6">
      {verify.error ? (
        <Notice tone="danger" action={dismiss}>
          The check did not run. {sayError(verify.error)}
        </Notice>
      ) : (
        verify.data && <Found verdict={verify.data} dismiss={dismiss} />
      )}
    </div>
  );
};

const Found = ({
  verdict: { intact, checked, checkpoint, first_broken },
  dismiss,
}: {
  verdict: Verdict;
  dismiss: React.ReactNode;
}) => {
  const count = `${checked.toLocaleString('en')} ${checked === 1 ? 'entry' : 'entries'}`;
  if (intact) {
    return (
      <Notice tone="success" action={dismiss}>
        <span className="font-medium text-text">The chain is intact.</span> {count} checked; each hash follows from the
        entry before it
        {checkpoint && (
          <>
            , from the checkpoint #{checkpoint.seq.toLocaleString('en')} signed <RelativeTime time={checkpoint.at} />
          </>
        )}
        .
      </Notice>
    );
  }
  return (
    <Notice tone="danger" action={dismiss}>
      <span className="font-medium text-text">
        The chain is broken{first_broken && <> at #{first_broken.seq.toLocaleString('en')}</>}.
      </span>{' '}
      {first_broken?.reason ?? `${count} checked.`} Entries before it still verify. Somebody changed the database
      outside of Atrium, or a backup was restored in part: compare with your last export.
    </Notice>
  );
};
