import { type OutputOf, sharesCreate, sharesList, sharesRevoke } from '@atrium/protocol';
import { Link2, X } from 'lucide-react';
import { type FormEvent, useId, useRef, useState } from 'react';
import { sayError } from '../../data/client.ts';
import { formErrors } from '../../data/form-errors.ts';
import { useOperationList, useOperationMutation } from '../../data/operations.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button, IconButton } from '../../ui/button.tsx';
import { CopyLine } from '../../ui/copy-line.tsx';
import { ConfirmDialog, Dialog } from '../../ui/dialog.tsx';
import { useFocusInvalid } from '../../ui/focus-invalid.ts';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input } from '../../ui/input.tsx';
import { useNow } from '../../ui/now.ts';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { Section } from '../../ui/section.tsx';
import { Select } from '../../ui/select.tsx';
import { Segmented } from '../../ui/tabs.tsx';
import { type ShareKind, shareWords } from './gateway-words.ts';
import { NumberField } from './route-fields.tsx';

type Share = OutputOf<typeof sharesList>['items'][number];
type MadeShare = OutputOf<typeof sharesCreate>;

/** Links that open one route to whoever has them. */
export const RouteShares = ({ routeId, name, mayWrite }: { routeId: string; name: string; mayWrite: boolean }) => {
  const list = useOperationList(sharesList, { id: routeId });
  const [making, setMaking] = useState(false);
  const [ending, setEnding] = useState<Share | null>(null);
  const revoke = useOperationMutation(sharesRevoke, {
    invalidates: ['routes.list_shares'],
    done: () => 'The link is ended',
    onSuccess: () => setEnding(null),
  });
  return (
    <Section title="Share links" lead="Each opens this route and nothing else, without an account.">
      <div className="flex flex-col items-start gap-3">
        {list.error ? (
          <p className="text-13 text-danger-text">{sayError(list.error)}</p>
        ) : (
          list.items.length > 0 && (
            <ul aria-label="Share links" className="w-full divide-y divide-line rounded-card border border-line">
              {list.items.map((share) => (
                <ShareRow key={share.id} share={share} {...(mayWrite ? { onEnd: () => setEnding(share) } : {})} />
              ))}
            </ul>
          )
        )}
        {list.items.length === 0 && !list.isPending && !list.error && (
          <p className="text-13 text-text-3">Nobody has a link.</p>
        )}
        {list.hasMore && (
          <Button size="small" tone="ghost" busy={list.loadingMore} onClick={list.loadMore}>
            Show more
          </Button>
        )}
        {mayWrite && (
          <Button size="small" icon={<Link2 aria-hidden className="size-4" />} onClick={() => setMaking(true)}>
            Share
          </Button>
        )}
      </div>
      <ShareDialog key={String(making)} routeId={routeId} name={name} open={making} onClose={() => setMaking(false)} />
      <ConfirmDialog
        open={ending !== null}
        onOpenChange={(open) => !open && setEnding(null)}
        title="End this link"
        verb="End link"
        busy={revoke.isPending}
        onConfirm={() => ending && revoke.mutate({ id: routeId, share_id: ending.id })}
      >
        Whoever came in by it is out within a second, and it opens nothing any more. A new link can be made at any time.
      </ConfirmDialog>
    </Section>
  );
};

const stateOf = (share: Share, now: number): { word: string; tone: 'success' | 'neutral' } =>
  share.revoked_at !== null
    ? { word: 'Ended', tone: 'neutral' }
    : Date.parse(share.expires_at) <= now
      ? { word: 'Over', tone: 'neutral' }
      : share.max_uses !== null && share.uses >= share.max_uses
        ? { word: 'Used up', tone: 'neutral' }
        : { word: 'Good', tone: 'success' };

const ShareRow = ({ share, onEnd }: { share: Share; onEnd?: () => void }) => {
  const { word, tone } = stateOf(share, useNow());
  return (
    <li className="flex items-center gap-3 px-4 py-2.5">
      <span className="min-w-0 flex-1">
        <span dir="auto" className="block truncate text-left text-14 font-medium">
          {share.name || shareWords[share.kind].label}
        </span>
        <span className="block text-13 text-text-2">
          {share.name && `${shareWords[share.kind].label} · `}
          <span className="tabular">
            {share.uses} of {share.max_uses ?? 'any number of'} uses
          </span>{' '}
          · {share.revoked_at === null && Date.parse(share.expires_at) > Date.now() ? 'ends' : 'ended'}{' '}
          <RelativeTime time={share.revoked_at ?? share.expires_at} /> · by {share.created_by.name}
        </span>
      </span>
      <Badge dot tone={tone}>
        {word}
      </Badge>
      {onEnd && tone === 'success' && (
        <IconButton size="small" label={`End the link ${share.name || shareWords[share.kind].label}`} onClick={onEnd}>
          <X />
        </IconButton>
      )}
    </li>
  );
};

const kinds = (['link', 'pin', 'passcode'] as const).map((value) => ({ value, label: shareWords[value].label }));
const hour = 3600;
const spans = [
  { value: String(hour), label: 'An hour' },
  { value: String(24 * hour), label: 'A day' },
  { value: String(7 * 24 * hour), label: 'A week' },
  { value: String(30 * 24 * hour), label: '30 days' },
  { value: String(365 * 24 * hour), label: 'A year' },
] as const;

const ShareDialog = ({
  routeId,
  name,
  open,
  onClose,
}: {
  routeId: string;
  name: string;
  open: boolean;
  onClose: () => void;
}) => {
  const [label, setLabel] = useState('');
  const [kind, setKind] = useState<ShareKind>('link');
  const [secret, setSecret] = useState('');
  const [uses, setUses] = useState<number>();
  const [span, setSpan] = useState<string>(spans[1].value);
  const create = useOperationMutation(sharesCreate, { quiet: true, invalidates: ['routes.list_shares'] });
  const errors = formErrors(create.error, ['name', 'secret', 'max_uses', 'expires_in', 'kind']);
  const form = useId();
  const fields = useRef<HTMLFormElement>(null);
  useFocusInvalid(fields, create.error);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate({
      id: routeId,
      name: label.trim(),
      kind,
      ...(kind !== 'link' && secret ? { secret } : {}),
      ...(uses === undefined ? {} : { max_uses: uses }),
      expires_in: Number(span),
    });
  };
  const made = create.data;
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => !next && onClose()}
      title={made ? 'The link is ready' : `Share ${name}`}
      description={
        made ? 'It is shown this once: copy it now.' : 'Whoever has the link opens this one route, without an account.'
      }
      footer={
        made ? (
          <Button tone="primary" onClick={onClose}>
            Done
          </Button>
        ) : (
          <>
            <Button onClick={onClose}>Cancel</Button>
            <Button tone="primary" type="submit" form={form} busy={create.isPending}>
              Make link
            </Button>
          </>
        )
      }
    >
      {made ? (
        <Made share={made} />
      ) : (
        <form ref={fields} id={form} onSubmit={submit} className="flex flex-col gap-5">
          <FormField label="Proof" group hint={shareWords[kind].hint} error={errors.of('kind')}>
            <div className="overflow-x-auto [scrollbar-width:none]">
              <Segmented label="Proof" value={kind} onChange={setKind} options={kinds} />
            </div>
          </FormField>
          {kind !== 'link' && (
            <FormField
              label={kind === 'pin' ? 'PIN' : 'Passcode'}
              required={false}
              error={errors.of('secret')}
              hint="Left empty, one is made and shown with the link."
            >
              <Input
                name="share-secret"
                autoComplete="off"
                {...(kind === 'pin'
                  ? { inputMode: 'numeric', pattern: '[0-9]{4,12}', title: '4 to 12 digits' }
                  : { minLength: 4, maxLength: 100 })}
                value={secret}
                onChange={(event) => setSecret(event.target.value)}
              />
            </FormField>
          )}
          <div className="grid gap-5 sm:grid-cols-2">
            <FormField label="Good for" error={errors.of('expires_in')}>
              <Select value={span} onChange={setSpan} options={spans} />
            </FormField>
            <NumberField
              label="Uses at most"
              name="share-uses"
              min={1}
              max={100_000}
              step={1}
              placeholder="Any number"
              error={errors.of('max_uses')}
              value={uses}
              onChange={setUses}
            />
          </div>
          <FormField
            label="Name"
            required={false}
            error={errors.of('name')}
            hint="For this list: whom it was made for."
          >
            <Input
              dir="auto"
              name="share-name"
              maxLength={100}
              autoComplete="off"
              value={label}
              onChange={(event) => setLabel(event.target.value)}
            />
          </FormField>
          <FormError>{errors.rest}</FormError>
        </form>
      )}
    </Dialog>
  );
};

const Made = ({ share }: { share: MadeShare }) => (
  <div className="flex flex-col gap-5">
    <FormField
      label="Link"
      group
      hint={
        <>
          Ends <RelativeTime time={share.expires_at} />
          {share.max_uses !== null && `, or after ${share.max_uses === 1 ? 'one use' : `${share.max_uses} uses`}`}.
        </>
      }
    >
      <CopyLine text={share.url} label="Copy link" />
    </FormField>
    {share.secret !== null && (
      <FormField
        label={share.kind === 'pin' ? 'PIN' : 'Passcode'}
        group
        hint="Tell it by another way than the link. After five wrong ones whoever types must wait."
      >
        <CopyLine text={share.secret} label={share.kind === 'pin' ? 'Copy PIN' : 'Copy passcode'} />
      </FormField>
    )}
  </div>
);
