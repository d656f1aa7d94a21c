import { useState } from 'react';
import { ProblemError, sayError, UnreachableError } from '../data/client.ts';
import { Button } from '../ui/button.tsx';

/** A part of a page that could not be read: what, why, what next; the request id one press away. */
export const LoadError = ({ error, retry }: { error: unknown; retry: () => Promise<unknown> }) => {
  const [busy, setBusy] = useState(false);
  const problem = error instanceof ProblemError ? error.problem : null;
  const title =
    error instanceof UnreachableError ? 'Atrium does not answer' : (problem?.title ?? 'This could not be read');
  return (
    <div role="alert" className="mx-auto flex w-full max-w-[460px] flex-col items-center gap-3 px-5 py-14 text-center">
      <div>
        <p className="text-16 font-medium text-text">{title}</p>
        <p className="mt-1 text-14 text-pretty text-text-2">{sayError(error)}</p>
      </div>
      <Button
        busy={busy}
        onClick={async () => {
          setBusy(true);
          await retry();
          setBusy(false);
        }}
      >
        Try again
      </Button>
      {problem && (
        <details className="text-12 text-text-3">
          <summary className="cursor-pointer rounded-control py-1 hover:text-text">Details</summary>
          <code className="select-all">
            {problem.code} · request {problem.request_id}
          </code>
        </details>
      )}
    </div>
  );
};
