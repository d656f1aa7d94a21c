import { type SigningKeyView, signingKeysList, signingKeysRetire, signingKeysRotate } from '@atrium/protocol';
import { useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { sayError } from '../../data/client.ts';
import { useOperation, useOperationMutation } from '../../data/operations.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { cx } from '../../ui/class-names.ts';
import { CopyButton } from '../../ui/copy-line.tsx';
import { ConfirmDialog } from '../../ui/dialog.tsx';
import { useNow } from '../../ui/now.ts';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { Skeleton } from '../../ui/skeleton.tsx';
import { Tooltip } from '../../ui/tooltip.tsx';
import { ServerHeader } from './server-header.tsx';
import { shortId } from './server-words.ts';

const dayMs = 86_400_000;

/** A setting in the unit that people think of it. */
const span = (seconds: number): string =>
  seconds >= 3 * 86_400 ? `${Math.round(seconds / 86_400)} days` : `${Math.round(seconds / 3600)} hours`;

export const KeysPage = () => {
  const query = useOperation(signingKeysList, {});
  const [asking, setAsking] = useState(false);
  const [retiring, setRetiring] = useState<SigningKeyView | null>(null);
  const invalidates = ['signing_keys.list', 'server.overview'];
  const rotate = useOperationMutation(signingKeysRotate, {
    invalidates,
    done: () => 'The next key signs from now on',
    onSuccess: () => setAsking(false),
  });
  const retire = useOperationMutation(signingKeysRetire, {
    invalidates,
    done: () => 'The key is retired and no longer published',
    onSuccess: () => setRetiring(null),
  });
  return (
    <div className="min-h-0 flex-1 overflow-y-auto">
      <ServerHeader
        title="Signing keys"
        action={
          <Button tone="primary" size="small" onClick={() => setAsking(true)}>
            Rotate
          </Button>
        }
      />
      <div className="mx-auto flex max-w-[1120px] flex-col gap-8 px-4 py-6 md:px-6">
        {query.data ? (
          <>
            <p className="max-w-[72ch] text-14 text-pretty text-text-2">
              The active key signs every token. The next one is published already, so that nobody is surprised by it.
              After a rotation the former key stays published for {span(query.data.grace_s)}, until the last token it
              signed has expired. Keys rotate by themselves every {span(query.data.rotate_every_s)}.
            </p>
            <Timeline keys={query.data.items} rotateEveryMs={query.data.rotate_every_s * 1000} />
            <ul className="divide-y divide-line rounded-card border border-line">
              {query.data.items.map((key) => (
                <KeyRow key={key.kid} signingKey={key} onRetire={() => setRetiring(key)} />
              ))}
            </ul>
            <p className="text-13 text-text-3">
              Published at{' '}
              <a href="/oauth/jwks" className="quiet-link">
                {location.origin}/oauth/jwks
              </a>
            </p>
          </>
        ) : query.error ? (
          <LoadError error={query.error} retry={query.refetch} />
        ) : (
          <div role="status" aria-label="Loading" className="flex flex-col gap-8">
            <Skeleton className="h-10 w-2/3" />
            <Skeleton className="h-36 w-full" />
            <Skeleton className="h-48 w-full" />
          </div>
        )}
      </div>
      <ConfirmDialog
        open={asking}
        onOpenChange={setAsking}
        title="Rotate the signing key"
        verb="Rotate"
        busy={rotate.isPending}
        onConfirm={() => rotate.mutate({})}
      >
        New tokens are signed by the next key from now on. Tokens that were issued stay good until they expire; nobody
        has to sign in again.
      </ConfirmDialog>
      <ConfirmDialog
        key={retiring?.kid}
        open={retiring !== null}
        onOpenChange={(open) => !open && setRetiring(null)}
        title="Retire this key now"
        verb={retiring?.live_tokens ? `Retire and end ${retiring.live_tokens} tokens` : 'Retire key'}
        busy={retire.isPending}
        onConfirm={() => retiring && retire.mutate({ kid: retiring.kid, force: (retiring.live_tokens ?? 0) > 0 })}
      >
        {retiring?.live_tokens
          ? 'Tokens that it signed are refused at once, everywhere. Do this when the key may have been copied; otherwise let its grace end.'
          : 'No live token carries its signature. It leaves the published set before its time.'}
        {retire.error && <p className="mt-2 text-danger-text">{sayError(retire.error)}</p>}
      </ConfirmDialog>
    </div>
  );
};

const states = {
  next: { word: 'Next', tone: 'info' },
  active: { word: 'Signs', tone: 'success' },
  grace: { word: 'In grace', tone: 'warning' },
  retired: { word: 'Retired', tone: 'neutral' },
} as const;

const KeyRow = ({ signingKey: key, onRetire }: { signingKey: SigningKeyView; onRetire: () => void }) => {
  const { word, tone } = states[key.state];
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-3">
      <span className="w-24 shrink-0">
        <Badge dot tone={tone}>
          {word}
        </Badge>
      </span>
      <span className="min-w-0 flex-1 basis-60">
        <span className="flex items-center gap-1">
          <code className="truncate text-13 text-text">{key.kid}</code>
          <CopyButton text={key.kid} label="Copy key id" />
        </span>
        <span className="block text-13 text-text-2">
          {key.alg}, made <RelativeTime time={key.created_at} />
          {key.activated_at && (
            <>
              , {key.state === 'active' ? 'signs' : 'signed'} since <RelativeTime time={key.activated_at} />
            </>
          )}
          {key.retire_at && (
            <>
              , {key.state === 'retired' ? 'retired' : 'published until'} <RelativeTime time={key.retire_at} />
            </>
          )}
        </span>
      </span>
      {key.live_tokens !== null && (
        <span className="tabular text-13 text-text-2">
          {key.live_tokens.toLocaleString('en')} live {key.live_tokens === 1 ? 'token' : 'tokens'}
        </span>
      )}
      {key.state === 'grace' && (
        <Button size="small" onClick={onRetire}>
          Retire
        </Button>
      )}
    </li>
  );
};

interface Span {
  state: 'next' | 'active' | 'grace';
  from: number;
  until: number;
}

const colours = {
  next: 'bg-info-soft border-info-line',
  active: 'bg-accent border-accent',
  grace: 'bg-active border-control',
};
const spanWords = { next: 'waits', active: 'signs', grace: 'in grace' };

/** What each key was, is and will be, along one line of time. */
const Timeline = ({ keys, rotateEveryMs }: { keys: readonly SigningKeyView[]; rotateEveryMs: number }) => {
  const now = useNow();
  const shown = keys.filter((key) => key.state !== 'retired').slice(0, 6);
  if (shown.length === 0) return null;
  const activeEnd = (key: SigningKeyView): number => {
    const started = Date.parse(key.activated_at!);
    const successor = keys
      .filter((other) => other.activated_at !== null && Date.parse(other.activated_at) > started)
      .map((other) => Date.parse(other.activated_at!))
      .toSorted((a, b) => a - b)[0];
    return successor ?? Math.max(now, started + rotateEveryMs);
  };
  const spansOf = (key: SigningKeyView): Span[] => {
    const made = Date.parse(key.created_at);
    if (key.activated_at === null) {
      const takesOver = keys.find((other) => other.state === 'active');
      return [{ state: 'next', from: made, until: takesOver ? activeEnd(takesOver) : now + dayMs }];
    }
    const started = Date.parse(key.activated_at);
    const spans: Span[] = [];
    if (started - made > 60_000) spans.push({ state: 'next', from: made, until: started });
    spans.push({ state: 'active', from: started, until: activeEnd(key) });
    if (key.retire_at) spans.push({ state: 'grace', from: activeEnd(key), until: Date.parse(key.retire_at) });
    return spans;
  };
  const lanes = shown.map((key) => ({ key, spans: spansOf(key) }));
  const times = lanes.flatMap(({ spans }) => spans.flatMap(({ from, until }) => [from, until]));
  const [first, last] = [Math.min(...times, now - dayMs), Math.max(...times, now + dayMs)];
  const at = (time: number): number => ((time - first) / (last - first)) * 100;
  const day = (time: number): string => new Date(time).toLocaleDateString('en-GB', { day: 'numeric', month: 'short' });
  return (
    <section aria-label="Timeline of the keys" className="rounded-card border border-line px-4 pt-3 pb-4">
      <div className="relative">
        <ul className="flex flex-col gap-2.5 pt-5">
          {lanes.map(({ key, spans }) => (
            <li
              key={key.kid}
              className="grid grid-cols-[112px_minmax(0,1fr)] items-center gap-3 max-sm:grid-cols-1 max-sm:gap-1"
            >
              <code className="truncate text-12 text-text-2">{shortId(key.kid)}</code>
              <div className="relative h-5">
                {spans.map((span) => (
                  <Tooltip key={span.state} label={`${spanWords[span.state]}: ${day(span.from)} to ${day(span.until)}`}>
                    <span
                      role="img"
                      aria-label={`${shortId(key.kid)} ${spanWords[span.state]} from ${day(span.from)} to ${day(span.until)}`}
                      className={cx('absolute inset-y-0.5 rounded-[4px] border', colours[span.state])}
                      style={{ left: `${at(span.from)}%`, width: `max(10px, ${at(span.until) - at(span.from)}%)` }}
                    />
                  </Tooltip>
                ))}
              </div>
            </li>
          ))}
        </ul>
        <div aria-hidden className="pointer-events-none absolute inset-y-0 right-0 left-0 sm:left-[124px]">
          <span className="absolute inset-y-0 w-px bg-danger" style={{ left: `${at(now)}%` }} />
          <span
            className="absolute top-0 -translate-x-1/2 rounded-[4px] bg-surface px-1 text-11 font-medium text-danger-text"
            style={{ left: `${at(now)}%` }}
          >
            now
          </span>
        </div>
      </div>
      <div className="mt-3 flex justify-between text-11 text-text-3 sm:pl-[124px]">
        <span>{day(first)}</span>
        <span>{day((first + last) / 2)}</span>
        <span>{day(last)}</span>
      </div>
      <ul className="mt-3 flex flex-wrap gap-x-5 gap-y-1 border-t border-line pt-3 text-12 text-text-2">
        {(['next', 'active', 'grace'] as const).map((state) => (
          <li key={state} className="flex items-center gap-1.5">
            <span aria-hidden className={cx('h-2.5 w-4 rounded-[3px] border', colours[state])} />
            {state === 'next' ? 'published, waits' : state === 'active' ? 'signs' : 'in grace, still checked'}
          </li>
        ))}
      </ul>
    </section>
  );
};
