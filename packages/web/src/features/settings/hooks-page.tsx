import {
  type HookEndpoint,
  hooksCreate,
  hooksDelete,
  hooksList,
  hooksRotateSecret,
  hooksTest,
  hooksUpdate,
} from '@atrium/protocol';
import { type FormEvent, useId, useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { formErrors } from '../../data/form-errors.ts';
import { useOperationList, useOperationMutation } from '../../data/operations.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { CopyLine } from '../../ui/copy-line.tsx';
import { ConfirmDialog, Dialog } from '../../ui/dialog.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input, Textarea } from '../../ui/input.tsx';
import { Notice } from '../../ui/notice.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { SecretReveal } from '../../ui/secret-reveal.tsx';
import { SkeletonRows } from '../../ui/skeleton.tsx';
import { RadioGroup } from '../../ui/toggles.tsx';
import { EndOfList } from '../diaries/end-of-list.tsx';
import { SettingsHeader } from './settings-header.tsx';

const stale = ['hooks.list'];
const kinds = {
  notify: { label: 'Notices', hint: 'Each message becomes an item of the inbox, or goes to devices' },
  activity: { label: 'Activity', hint: 'Each message joins the log of what happened' },
  event: { label: 'Events', hint: 'Any JSON object, as another system sends it' },
} as const;
const proofs = {
  signature: { label: 'Signature', hint: 'Standard Webhooks: signed, and at most five minutes old' },
  secret: { label: 'Secret in a header', hint: 'For systems that cannot sign' },
} as const;
const samples: Record<HookEndpoint['kind'], string> = {
  notify: '{\n  "type": "backup.done",\n  "data": { "title": "Backup finished", "level": "success" }\n}',
  activity: '{\n  "message": "Backup finished",\n  "icon": "HardDrive"\n}',
  event: '{\n  "status": "firing"\n}',
};

/** Ways in for systems outside. */
export const HooksPage = () => {
  const list = useOperationList(hooksList, { limit: 100 });
  const [making, setMaking] = useState(false);
  const [opened, setOpened] = useState<HookEndpoint | null>(null);
  return (
    <>
      <SettingsHeader
        title="Webhooks in"
        action={
          <Button tone="primary" size="small" onClick={() => setMaking(true)}>
            New endpoint
          </Button>
        }
      />
      <div className="min-h-0 flex-1 overflow-y-auto">
        {list.isPending ? (
          <SkeletonRows tall rows={4} />
        ) : list.error && list.items.length === 0 ? (
          <LoadError error={list.error} retry={list.refetch} />
        ) : list.items.length === 0 ? (
          <EmptyState
            title="An endpoint is an address that another system sends to"
            action={
              <Button tone="primary" onClick={() => setMaking(true)}>
                Make the first one
              </Button>
            }
          >
            What comes in becomes a notice, activity or an event. Programs with an API key and the scope hooks:write
            need none: they call POST /api/v1/hooks/notify.
          </EmptyState>
        ) : (
          <>
            <ul aria-label="Endpoints">
              {list.items.map((endpoint) => (
                <li key={endpoint.id} className="border-b border-line">
                  <button
                    type="button"
                    data-endpoint={endpoint.id}
                    onClick={() => setOpened(endpoint)}
                    className="flex w-full flex-wrap items-center gap-x-6 gap-y-1 px-4 py-3.5 text-left hover:bg-hover md:px-6"
                  >
                    <span className="min-w-0 flex-1 max-md:basis-full">
                      <span className="flex min-w-0 items-center gap-2">
                        <span dir="auto" className="truncate text-14 font-medium text-text">
                          {endpoint.name}
                        </span>
                        {!endpoint.enabled && <Badge>Off</Badge>}
                        {endpoint.last_error !== null && <Badge tone="warning">Last one refused</Badge>}
                      </span>
                      <span className="block truncate text-13 text-text-2">
                        {kinds[endpoint.kind].label}
                        {endpoint.event !== null && ` as external.${endpoint.event}`},{' '}
                        {proofs[endpoint.proof].label.toLowerCase()}
                      </span>
                    </span>
                    <span className="tabular text-12 text-text-3">
                      {endpoint.last_at === null ? (
                        'Nothing came yet'
                      ) : (
                        <>
                          {endpoint.received} came, last <RelativeTime time={endpoint.last_at} />
                        </>
                      )}
                    </span>
                  </button>
                </li>
              ))}
            </ul>
            <EndOfList onReached={list.loadMore} loading={list.loadingMore} />
          </>
        )}
      </div>
      {making && <NewEndpoint onClose={() => setMaking(false)} />}
      {opened !== null && (
        <EndpointDialog
          endpoint={list.items.find(({ id }) => id === opened.id) ?? opened}
          onClose={() => setOpened(null)}
        />
      )}
    </>
  );
};

const NewEndpoint = ({ onClose }: { onClose: () => void }) => {
  const form = useId();
  const [name, setName] = useState('');
  const [kind, setKind] = useState<HookEndpoint['kind']>('notify');
  const [proof, setProof] = useState<HookEndpoint['proof']>('signature');
  const [event, setEvent] = useState('');
  const create = useOperationMutation(hooksCreate, { quiet: true, invalidates: stale });
  const errors = formErrors(create.error, ['name', 'event']);
  const submit = (submitted: FormEvent) => {
    submitted.preventDefault();
    create.mutate({ name, kind, proof, ...(kind === 'event' ? { event } : {}) });
  };
  if (create.data !== undefined)
    return (
      <Dialog
        open
        onOpenChange={onClose}
        title={`${create.data.endpoint.name} is ready`}
        footer={
          <Button tone="primary" onClick={onClose}>
            Done
          </Button>
        }
      >
        <Made endpoint={create.data.endpoint} secret={create.data.secret} />
      </Dialog>
    );
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title="New endpoint"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            tone="primary"
            type="submit"
            form={form}
            busy={create.isPending}
            disabled={name.trim() === '' || (kind === 'event' && event === '')}
          >
            Make endpoint
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-5">
        <FormField label="Name" hint="Who sends: it is shown as the author" error={errors.of('name')}>
          <Input
            dir="auto"
            name="hook-name"
            required
            maxLength={100}
            value={name}
            onChange={(change) => setName(change.target.value)}
          />
        </FormField>
        <FormField label="What a message becomes" group>
          <RadioGroup
            label="What a message becomes"
            value={kind}
            onChange={(value) => setKind(value as HookEndpoint['kind'])}
            options={Object.entries(kinds).map(([value, words]) => ({ value, ...words }))}
          />
        </FormField>
        {kind === 'event' && (
          <FormField label="Event" hint="It arrives as external. and this name" error={errors.of('event')}>
            <Input
              name="hook-event"
              spellCheck={false}
              placeholder="grafana.alert"
              className="font-mono text-13"
              value={event}
              onChange={(change) => setEvent(change.target.value)}
            />
          </FormField>
        )}
        <FormField label="How it proves itself" group>
          <RadioGroup
            label="How it proves itself"
            value={proof}
            onChange={(value) => setProof(value as HookEndpoint['proof'])}
            options={Object.entries(proofs).map(([value, words]) => ({ value, ...words }))}
          />
        </FormField>
        <FormError>{errors.rest}</FormError>
      </form>
    </Dialog>
  );
};

const Made = ({ endpoint, secret }: { endpoint: HookEndpoint; secret: string }) => (
  <div className="flex flex-col gap-5">
    <CopyLine text={endpoint.url} />
    <SecretReveal secret={secret} name={`Secret of ${endpoint.name}`} variable="ATRIUM_HOOK_SECRET" />
    {endpoint.proof === 'secret' && (
      <CopyLine
        text={`curl -H 'X-Atrium-Hook-Secret: ${secret}' -H 'content-type: application/json' -d '${JSON.stringify(JSON.parse(samples[endpoint.kind]))}' ${endpoint.url}`}
      />
    )}
  </div>
);

const EndpointDialog = ({ endpoint, onClose }: { endpoint: HookEndpoint; onClose: () => void }) => {
  const [deleting, setDeleting] = useState(false);
  const [body, setBody] = useState(samples[endpoint.kind]);
  const update = useOperationMutation(hooksUpdate, {
    invalidates: stale,
    done: ({ enabled }) => (enabled ? 'The endpoint takes messages again' : 'The endpoint is off'),
  });
  const rotate = useOperationMutation(hooksRotateSecret, { invalidates: stale });
  const remove = useOperationMutation(hooksDelete, {
    invalidates: stale,
    done: () => 'The endpoint is gone',
    onSuccess: onClose,
  });
  const test = useOperationMutation(hooksTest, { invalidates: stale });
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={endpoint.name}
      footer={
        <>
          <Button tone="ghost" className="mr-auto text-danger-text!" onClick={() => setDeleting(true)}>
            Delete
          </Button>
          <Button
            busy={update.isPending}
            onClick={() => update.mutate({ id: endpoint.id, enabled: !endpoint.enabled })}
          >
            {endpoint.enabled ? 'Switch off' : 'Switch on'}
          </Button>
          <Button busy={rotate.isPending} onClick={() => rotate.mutate({ id: endpoint.id })}>
            New secret
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-5">
        {rotate.data ? (
          <Made endpoint={rotate.data.endpoint} secret={rotate.data.secret} />
        ) : (
          <CopyLine text={endpoint.url} />
        )}
        {endpoint.last_error !== null && (
          <Notice tone="warning">The last message was refused: {endpoint.last_error}</Notice>
        )}
        <section aria-label="Tester" className="flex flex-col gap-3 border-t border-line pt-4">
          <FormField label="Try it" hint="It goes the whole way: signed, checked, limited, and really delivered.">
            <Textarea
              name="hook-body"
              rows={6}
              spellCheck={false}
              className="font-mono text-12"
              value={body}
              onChange={(event) => setBody(event.target.value)}
            />
          </FormField>
          <div className="flex items-center gap-3">
            <Button
              size="small"
              busy={test.isPending}
              disabled={!endpoint.enabled || body.trim() === ''}
              onClick={() => test.mutate({ id: endpoint.id, body })}
            >
              Send it
            </Button>
            <span aria-live="polite" className="min-w-0 text-13 text-text-2">
              {test.data &&
                (test.data.problem === null
                  ? `${test.data.status}: it became ${test.data.receipt?.kind}`
                  : `${test.data.status}: ${test.data.problem}`)}
            </span>
          </div>
          {test.data && (
            <pre className="break-all whitespace-pre-wrap rounded-control bg-sunken px-3 py-2 text-12 text-text-2">
              {Object.entries(test.data.headers)
                .map(([name, value]) => `${name}: ${value}`)
                .join('\n')}
            </pre>
          )}
        </section>
      </div>
      <ConfirmDialog
        open={deleting}
        onOpenChange={setDeleting}
        title={`Delete ${endpoint.name}`}
        verb="Delete endpoint"
        busy={remove.isPending}
        onConfirm={() => remove.mutate({ id: endpoint.id })}
      >
        Its address answers no more. What came in through it stays.
      </ConfirmDialog>
    </Dialog>
  );
};
