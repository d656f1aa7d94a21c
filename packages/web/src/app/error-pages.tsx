import { Link, useRouter } from '@tanstack/react-router';
import { useState } from 'react';
import { ProblemError, UnreachableError } from '../data/client.ts';
import { AtriumMark } from '../ui/atrium-mark.tsx';
import { Button } from '../ui/button.tsx';
import { usePageTitle } from '../ui/page-header.tsx';

/** Nothing at this address, or nothing that this person may see: the two look alike on purpose. */
export const NotFoundPage = () => {
  usePageTitle('Not found');
  return (
    <Message title="Nothing is here" text="The address is wrong, the thing is gone, or your role does not show it.">
      <Button asChild tone="primary">
        <Link to="/">Go to the inbox</Link>
      </Button>
    </Message>
  );
};

/** A page that failed: what, why, what next; the request id one press away. */
export const ErrorPage = ({ error }: { error: unknown }) => {
  const router = useRouter();
  const [busy, setBusy] = useState(false);
  const problem = error instanceof ProblemError ? error.problem : null;
  const unreachable = error instanceof UnreachableError;
  const title = unreachable ? 'Atrium does not answer' : (problem?.title ?? 'This page failed');
  usePageTitle(title);
  const retry = async () => {
    setBusy(true);
    await router.invalidate();
    setBusy(false);
  };
  return (
    <Message
      title={title}
      text={
        unreachable
          ? 'You are offline, or the server is restarting. Nothing you sent is lost.'
          : (problem?.detail ?? 'The page met something it does not know. Loading it again may help.')
      }
    >
      <Button tone="primary" busy={busy} onClick={retry}>
        Try again
      </Button>
      <details className="mt-2 w-full text-13 text-text-3">
        <summary className="cursor-pointer rounded-control py-1 hover:text-text">Details</summary>
        <pre className="mt-1 overflow-x-auto rounded-control bg-sunken p-3 text-left text-12 whitespace-pre-wrap text-text-2">
          {problem
            ? `${problem.code} · request ${problem.request_id}`
            : error instanceof Error
              ? `${error.name}: ${error.message}`
              : String(error)}
        </pre>
      </details>
    </Message>
  );
};

const Message = ({ title, text, children }: { title: string; text: string; children: React.ReactNode }) => (
  <main className="grid min-h-full place-items-center px-5 py-16">
    <div className="flex w-full max-w-[420px] flex-col items-center gap-4 text-center">
      <AtriumMark size={32} className="text-text-3" />
      <div>
        <h1 className="text-20 font-semibold">{title}</h1>
        <p className="mt-1 text-14 text-pretty text-text-2">{text}</p>
      </div>
      {children}
    </div>
  </main>
);
