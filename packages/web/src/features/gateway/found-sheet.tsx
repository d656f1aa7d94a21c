import { type InputOf, type Proposal, proposalsApprove } from '@atrium/protocol';
import { type FormEvent, useId, useState } from 'react';
import { formErrors } from '../../data/form-errors.ts';
import { useOperationMutation } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { Facts } from '../../ui/facts.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input } from '../../ui/input.tsx';
import { RecordSheet } from '../../ui/record-sheet.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { Select } from '../../ui/select.tsx';
import { RadioGroup } from '../../ui/toggles.tsx';
import { Confidence, SecurityNotes } from './found-marks.tsx';
import { appReads, proposalReads } from './gateway-changes.ts';
import { type Access, accessOrder, accessWords, discoveryWords } from './gateway-words.ts';

interface FoundSheetProps {
  proposal: Proposal | null;
  onClose: () => void;
  onDismiss: (id: string) => void;
  onRestore: (id: string) => void;
}

/** One found service: what it is, how sure that is, and what it becomes. */
export const FoundSheet = ({ proposal, onClose, onDismiss, onRestore }: FoundSheetProps) => {
  const form = useId();
  const approve = useOperationMutation(proposalsApprove, {
    quiet: true,
    invalidates: [...proposalReads, ...appReads],
    done: ({ app }) => `${app.name} is among your services`,
    onSuccess: onClose,
  });
  return (
    <RecordSheet
      record={proposal}
      onClose={() => {
        approve.reset();
        onClose();
      }}
      title={({ suggested_app, name }) => suggested_app.name || name}
      description={({ source, first_seen_at }) => (
        <>
          Found by {discoveryWords[source]} <RelativeTime time={first_seen_at} />
        </>
      )}
      footer={({ id, state }) =>
        state === 'pending' ? (
          <>
            <Button onClick={() => onDismiss(id)}>Dismiss</Button>
            <Button tone="primary" type="submit" form={form} busy={approve.isPending}>
              Approve
            </Button>
          </>
        ) : (
          state === 'dismissed' && (
            <Button tone="primary" onClick={() => onRestore(id)}>
              Bring back
            </Button>
          )
        )
      }
    >
      {(shown) => (
        <>
          <SecurityNotes notes={shown.security_notes} />
          {shown.state === 'pending' ? (
            <ApproveForm
              key={shown.id}
              id={form}
              proposal={shown}
              error={approve.error}
              onApprove={(input) => approve.mutate(input)}
            />
          ) : (
            <Facts
              roomy
              facts={[
                {
                  label: shown.state === 'approved' ? 'Approved by' : 'Dismissed by',
                  value: shown.decided_by?.name ?? '–',
                },
                { label: 'When', value: shown.decided_at ? <RelativeTime time={shown.decided_at} /> : '–' },
              ]}
            />
          )}
          <section aria-labelledby={`${form}-why`} className="flex flex-col gap-2">
            <h3 id={`${form}-why`} className="text-13 font-medium">
              Why it is thought to be a service
            </h3>
            <Confidence value={shown.confidence} />
            <ul className="divide-y divide-line text-13">
              {shown.reasons.map(({ reason, adds }) => (
                <li key={reason} className="flex items-baseline justify-between gap-3 py-1.5">
                  <span className="min-w-0 text-text-2">{reason}</span>
                  <span className="tabular shrink-0 text-text-3">+{adds.toFixed(2)}</span>
                </li>
              ))}
            </ul>
          </section>
          <p className="text-12 break-all text-text-3">
            <code>{shown.fingerprint}</code>, last seen <RelativeTime time={shown.last_seen_at} />
          </p>
        </>
      )}
    </RecordSheet>
  );
};

const paths = ['port', 'app.name', 'app.slug', 'app.group', 'route.access', 'slug', 'route'];
const accessOptions = accessOrder
  // People and scopes are chosen on the page of the route, where there is room for them.
  .filter((value) => value !== 'people' && value !== 'scopes')
  .map((value) => ({ value, label: accessWords[value].label, hint: accessWords[value].hint }));

const ApproveForm = ({
  id,
  proposal,
  error,
  onApprove,
}: {
  id: string;
  proposal: Proposal;
  error: unknown;
  onApprove: (input: InputOf<typeof proposalsApprove>) => void;
}) => {
  const { suggested_app: app, suggested_route: route, detected, available_ports: ports } = proposal;
  const suggested = typeof route['access'] === 'string' ? (route['access'] as Access) : 'signed_in';
  const [name, setName] = useState(app.name);
  const [slug, setSlug] = useState(app.slug);
  const [group, setGroup] = useState(app.group ?? '');
  const [port, setPort] = useState(detected.port);
  const [access, setAccess] = useState(suggested);
  const errors = formErrors(error, paths);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const edits = {
      ...(name.trim() === app.name ? {} : { name: name.trim() }),
      ...(slug === app.slug ? {} : { slug }),
      ...(group.trim() === (app.group ?? '') ? {} : { group: group.trim() || null }),
    };
    onApprove({
      id: proposal.id,
      ...(port === detected.port ? {} : { port }),
      ...(Object.keys(edits).length === 0 ? {} : { app: edits }),
      ...(access === suggested ? {} : { route: { access } }),
    });
  };
  const offered = accessOptions.some(({ value }) => value === suggested)
    ? accessOptions
    : [{ value: suggested, label: accessWords[suggested].label, hint: 'As its label asks' }, ...accessOptions];
  return (
    <form id={id} onSubmit={submit} className="flex flex-col gap-5">
      <FormField label="Name" error={errors.of('app.name')}>
        <Input
          dir="auto"
          name="found-name"
          required
          maxLength={100}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
      </FormField>
      <div className="grid gap-5 sm:grid-cols-2">
        <FormField
          label="Short name"
          error={errors.of('app.slug') ?? errors.of('slug')}
          hint={`Opens at /apps/${slug || '…'}/`}
        >
          <Input
            name="found-slug"
            required
            maxLength={64}
            pattern="[A-Za-z0-9_\-]{1,64}"
            spellCheck={false}
            className="font-mono text-13"
            value={slug}
            onChange={(event) => setSlug(event.target.value)}
          />
        </FormField>
        <FormField label="Group" required={false} error={errors.of('app.group')}>
          <Input
            dir="auto"
            name="found-group"
            maxLength={100}
            value={group}
            onChange={(event) => setGroup(event.target.value)}
          />
        </FormField>
      </div>
      {ports.length > 1 && (
        <FormField label="Port" error={errors.of('port')} hint="Those that answered HTTP">
          <Select
            value={String(port)}
            onChange={(next) => setPort(Number(next))}
            options={ports.map((one) => ({ value: String(one), label: String(one) }))}
          />
        </FormField>
      )}
      <FormField label="Who may open it" group error={errors.of('route.access')}>
        <RadioGroup
          label="Who may open it"
          value={access}
          onChange={(value) => setAccess(value as Access)}
          options={offered}
        />
      </FormField>
      <FormError>{errors.rest ?? errors.of('route')}</FormError>
    </form>
  );
};
