// biome-ignore-all lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard.
import {
  type SigningRequestView,
  signingRequestsDecline,
  signingRequestsGet,
  signingRequestsSign,
} from '@atrium/protocol';
import { useMutation } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { ArrowLeft, CircleCheck } from 'lucide-react';
import { useState } from 'react';
import { call, ProblemError, sayError } from '../../data/client.ts';
import { invalidate, useOperation, useOperationMutation } from '../../data/operations.ts';
import { useMe } from '../../data/session.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { CopyLine } from '../../ui/copy-line.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { PrincipalMark } from '../../ui/identity-mark.tsx';
import { CountdownRing } from '../../ui/lifetime.tsx';
import { Notice } from '../../ui/notice.tsx';
import { useNow } from '../../ui/now.ts';
import { usePageTitle } from '../../ui/page-header.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { Select } from '../../ui/select.tsx';
import { Skeleton, SkeletonDetail } from '../../ui/skeleton.tsx';
import { signWith } from './browser-keys.ts';
import { partsOfMessage } from './shown-message.ts';
import { useOwnKeys } from './use-own-keys.ts';

/** One message to sign and nothing else: read as it is, signed by a key of this browser, or declined. */
export const SignPage = () => {
  const { requestId } = useParams({ from: '/frame/sign/$requestId' });
  const query = useOperation(signingRequestsGet, { request_id: requestId });
  const navigate = useNavigate();
  usePageTitle('Sign');
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <header className="flex h-14 shrink-0 items-center gap-2 px-3 md:px-5">
        <IconButton label="To the inbox" onClick={() => void navigate({ to: '/inbox' })}>
          <ArrowLeft />
        </IconButton>
        {query.data && <Asker request={query.data} />}
      </header>
      {query.data ? (
        <Request key={query.data.id} request={query.data} />
      ) : query.error ? (
        <EmptyState
          plain
          title={
            query.error instanceof ProblemError && query.error.problem.status === 404
              ? 'There is nothing here for you to sign'
              : 'The request could not be loaded'
          }
          action={<Button onClick={() => void query.refetch()}>Try again</Button>}
        >
          {sayError(query.error)}
        </EmptyState>
      ) : (
        <SkeletonDetail />
      )}
    </div>
  );
};

const Asker = ({ request }: { request: SigningRequestView }) => {
  const { asked_by, created_at, expires_at, status } = request;
  if (asked_by === null) return null;
  return (
    <>
      <PrincipalMark type={asked_by.type} id={asked_by.id ?? asked_by.name} name={asked_by.name} size={24} />
      <p className="min-w-0 flex-1 truncate text-14">
        <span className="font-medium">{asked_by.name}</span>
        <span className="text-13 text-text-3">
          , <RelativeTime time={created_at} />
        </span>
      </p>
      {status === 'pending' && <CountdownRing from={created_at} until={expires_at} size={22} />}
    </>
  );
};

const Request = ({ request }: { request: SigningRequestView }) => {
  const over = Date.parse(request.expires_at) <= useNow('second');
  const open = request.status === 'pending' && !over;
  const mine = useMe().principal.id === request.person_id;
  const who = request.asked_by?.name ?? 'An agent';
  return (
    <div className="min-h-0 flex-1 overflow-y-auto">
      <div className="mx-auto flex min-h-full max-w-[640px] flex-col px-5 pt-2 md:pt-10 md:pb-16">
        <h1 dir="auto" className="text-20 font-semibold text-balance break-words md:text-28">
          {mine ? `${who} asks for your signature` : 'You asked for a signature'}
        </h1>
        <Message text={request.message} />
        <div aria-hidden className="min-h-6 flex-1 md:hidden" />
        <div className="max-md:pb-[max(8px,env(safe-area-inset-bottom))] md:mt-8">
          {open && mine ? <Decision request={request} /> : <Outcome request={request} over={over} />}
        </div>
      </div>
    </div>
  );
};

/** Every character that is signed, and nothing made of it: no links, no markdown. */
const Message = ({ text }: { text: string }) => {
  const parts = partsOfMessage(text);
  return (
    <>
      <figure aria-label="Message" className="mt-4 rounded-card border border-line bg-sunken">
        <pre
          dir="auto"
          tabIndex={0}
          className="max-h-[52dvh] overflow-auto px-4 py-3 text-14 leading-6 break-words whitespace-pre-wrap"
        >
          {parts.map((part, index) =>
            part.hidden ? (
              // biome-ignore lint/suspicious/noArrayIndexKey: a part is its position.
              <mark key={index} className="rounded-[3px] bg-warning-soft px-1 text-12 text-warning-text">
                {part.text}
              </mark>
            ) : (
              part.text
            ),
          )}
        </pre>
      </figure>
      {parts.some(({ hidden }) => hidden) && (
        <div className="mt-2">
          <Notice tone="warning">
            The message has characters that do not show. They are part of what you sign, and stand here by their code.
          </Notice>
        </div>
      )}
    </>
  );
};

const Decision = ({ request }: { request: SigningRequestView }) => {
  const { pending, keys } = useOwnKeys();
  const active = keys.filter(({ revoked_at }) => revoked_at === null);
  const here = active.filter((key) => key.here);
  const [chosen, setChosen] = useState<string | null>(null);
  const fingerprint = chosen ?? here[0]?.fingerprint ?? '';
  const refresh = () => invalidate('signing_requests.get', 'signing_requests.list', 'personal_keys.list');
  const sign = useMutation({
    mutationFn: async () => {
      const signature = await signWith(fingerprint, request.message, request.nonce);
      return call(signingRequestsSign, { request_id: request.id, signature, fingerprint });
    },
    onSettled: refresh,
  });
  const decline = useOperationMutation(signingRequestsDecline, {
    invalidates: ['signing_requests.get', 'signing_requests.list'],
  });
  if (pending) return <Skeleton className="h-11 w-40" />;
  const declineButton = (
    <Button
      size="large"
      className="min-w-28 max-md:h-14! max-md:flex-1 max-md:text-16!"
      disabled={sign.isPending}
      busy={decline.isPending}
      onClick={() => decline.mutate({ request_id: request.id })}
    >
      Decline
    </Button>
  );
  if (here.length === 0)
    return (
      <div className="flex flex-col gap-4">
        <NoKeyHere elsewhere={active.map(({ label }) => label)} />
        <div className="flex">{declineButton}</div>
      </div>
    );
  return (
    <div className="flex flex-col gap-4">
      {here.length > 1 ? (
        <FormField label="Sign with">
          <Select
            value={fingerprint}
            onChange={setChosen}
            options={here.map((key) => ({ value: key.fingerprint, label: `${key.label}, ${key.fingerprint}` }))}
          />
        </FormField>
      ) : (
        <p className="text-13 text-text-2">
          You sign with <span className="font-medium text-text">{here[0]?.label}</span>,{' '}
          <code className="text-12">{fingerprint}</code>. There is one attempt, and a signature cannot be taken back.
        </p>
      )}
      <FormError>{sign.error ? sayError(sign.error) : undefined}</FormError>
      <div className="flex flex-wrap gap-2">
        <Button
          tone="primary"
          size="large"
          className="min-w-32 max-md:h-14! max-md:flex-1 max-md:text-16!"
          busy={sign.isPending}
          onClick={() => sign.mutate()}
        >
          Sign
        </Button>
        {declineButton}
      </div>
    </div>
  );
};

const NoKeyHere = ({ elsewhere }: { elsewhere: string[] }) => (
  <Notice
    tone="warning"
    action={
      <Link to="/settings/security" className="quiet-link shrink-0">
        Signing keys
      </Link>
    }
  >
    {elsewhere.length === 0
      ? 'You have no signing key. Make one under Security; your passkey approves it.'
      : `Your key is in another browser: ${elsewhere.join(', ')}. Open this there, or make a key for this browser.`}
  </Notice>
);

const Outcome = ({ request, over }: { request: SigningRequestView; over: boolean }) => {
  const { status, valid, signature, fingerprint } = request;
  if (status === 'completed' && valid)
    return (
      <div className="flex flex-col gap-4">
        <p role="status" className="flex items-center gap-2.5 text-16 font-medium text-success-text">
          <CircleCheck aria-hidden className="size-6" />
          Signed
        </p>
        <FormField label="Signature" hint={`By the key ${fingerprint}`} group>
          <CopyLine text={signature ?? ''} label="Copy signature" />
        </FormField>
      </div>
    );
  return (
    <p role="status" className="text-14 text-text-2">
      {sayEnd(status, over)}
    </p>
  );
};

const sayEnd = (status: SigningRequestView['status'], over: boolean): string => {
  switch (status) {
    case 'completed':
      return 'The signature was not by that key over this message, so it counts for nothing. It has to be asked for again.';
    case 'declined':
      return 'Declined. No signature is taken any more.';
    case 'cancelled':
      return 'Whoever asked took this back.';
    case 'expired':
      return 'The five minutes are over. It has to be asked for again.';
    case 'pending':
      return over ? 'The five minutes are over. It has to be asked for again.' : 'Waits for the signature.';
  }
};
