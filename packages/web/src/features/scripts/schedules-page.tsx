import {
  type Script,
  type ScriptChain,
  type ScriptSchedule,
  scriptChainsList,
  scriptSchedulesCreate,
  scriptSchedulesDelete,
  scriptSchedulesList,
  scriptSchedulesPreview,
  scriptSchedulesUpdate,
  scriptsList,
} from '@atrium/protocol';
import { type FormEvent, useDeferredValue, useId, useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { formErrors } from '../../data/form-errors.ts';
import { useOperation, useOperationList, useOperationMutation } from '../../data/operations.ts';
import { mayUse, useMe } from '../../data/session.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { ConfirmDialog, Dialog } from '../../ui/dialog.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input } from '../../ui/input.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { Select } from '../../ui/select.tsx';
import { SkeletonRows } from '../../ui/skeleton.tsx';
import { exactTime } from '../../ui/time-format.ts';
import { EndOfList } from '../diaries/end-of-list.tsx';
import { ScriptsTabs } from '../gateway/gateway-tabs.tsx';
import { cronWords } from './cron-words.ts';
import { isOff, scriptReads } from './script-words.ts';
import { ScriptsOff } from './scripts-off.tsx';
import { draftOf, fieldPaths, ValuesFields, valuesOf } from './values-fields.tsx';

const outcomes = { started: 'began', still_running: 'was skipped', refused: 'was refused' } as const;

/** What runs by itself, and when it does so next. */
export const SchedulesPage = () => {
  const mayWrite = mayUse(useMe(), { permission: 'scripts.write', operator: true });
  const list = useOperationList(scriptSchedulesList, { limit: 100 });
  const scripts = useOperationList(scriptsList, { limit: 200 });
  const chains = useOperationList(scriptChainsList, { limit: 200 });
  const [editing, setEditing] = useState<ScriptSchedule | 'new' | null>(null);
  const [deleting, setDeleting] = useState<ScriptSchedule | null>(null);
  const pause = useOperationMutation(scriptSchedulesUpdate, {
    invalidates: scriptReads,
    done: ({ name, paused }) => (paused ? `${name} is paused` : `${name} goes on`),
  });
  const remove = useOperationMutation(scriptSchedulesDelete, {
    invalidates: scriptReads,
    onSuccess: () => setDeleting(null),
  });
  return (
    <>
      <PageHeader
        title="Scripts"
        tabs={<ScriptsTabs />}
        action={
          mayWrite &&
          scripts.items.length > 0 && (
            <Button tone="primary" size="small" onClick={() => setEditing('new')}>
              Add a schedule
            </Button>
          )
        }
      />
      <div className="min-h-0 flex-1 overflow-y-auto">
        {isOff(list.error) ? (
          <ScriptsOff />
        ) : list.isPending ? (
          <SkeletonRows tall rows={4} />
        ) : list.error && list.items.length === 0 ? (
          <LoadError error={list.error} retry={list.refetch} />
        ) : list.items.length === 0 ? (
          <EmptyState title="A schedule runs a script or a chain at times you name">
            {mayWrite
              ? 'Each has a time zone of its own and follows its clock changes.'
              : 'Operators of this server make them.'}
          </EmptyState>
        ) : (
          <>
            <ul aria-label="Schedules">
              {list.items.map((schedule) => (
                <Row
                  key={schedule.id}
                  schedule={schedule}
                  {...(mayWrite
                    ? {
                        onPause: () => pause.mutate({ id: schedule.id, paused: !schedule.paused }),
                        onEdit: () => setEditing(schedule),
                        onDelete: () => setDeleting(schedule),
                      }
                    : {})}
                />
              ))}
            </ul>
            <EndOfList onReached={list.loadMore} loading={list.loadingMore} />
          </>
        )}
      </div>
      {editing !== null && (
        <ScheduleDialog
          scripts={scripts.items}
          chains={chains.items}
          onClose={() => setEditing(null)}
          {...(editing === 'new' ? {} : { schedule: editing })}
        />
      )}
      <ConfirmDialog
        open={deleting !== null}
        onOpenChange={() => setDeleting(null)}
        title={`Remove ${deleting?.name ?? ''}`}
        verb="Remove schedule"
        busy={remove.isPending}
        onConfirm={() => deleting && remove.mutate({ id: deleting.id })}
      >
        {deleting?.runs_name} does not run by itself any more. Its runs stay in the history.
      </ConfirmDialog>
    </>
  );
};

const Row = ({
  schedule,
  onPause,
  onEdit,
  onDelete,
}: {
  schedule: ScriptSchedule;
  onPause?: () => void;
  onEdit?: () => void;
  onDelete?: () => void;
}) => {
  const words = cronWords(schedule.cron);
  return (
    <li
      data-schedule={schedule.id}
      className="flex flex-wrap items-start gap-x-6 gap-y-3 border-b border-line px-4 py-3.5 md:px-6"
    >
      <div className="min-w-0 flex-1 max-md:basis-full">
        <p className="flex min-w-0 items-center gap-2">
          <span dir="auto" className="truncate text-14 font-medium text-text">
            {schedule.name}
          </span>
          {schedule.paused && <Badge tone={schedule.paused_reason === null ? 'neutral' : 'warning'}>Paused</Badge>}
        </p>
        <p dir="auto" className="truncate text-13 text-text-2">
          {words} <span className="text-text-3">({schedule.time_zone})</span>, {schedule.runs_name}
        </p>
        <p className="text-12 text-text-3">
          <code>{schedule.cron}</code>
          {schedule.last_due_at !== null && (
            <>
              {' · last '}
              <RelativeTime time={schedule.last_due_at} />{' '}
              {schedule.last_outcome === null ? '' : outcomes[schedule.last_outcome]}
              {schedule.last_detail !== null && `: ${schedule.last_detail}`}
            </>
          )}
          {schedule.paused_reason !== null &&
            schedule.paused_reason !== schedule.last_detail &&
            ` · ${schedule.paused_reason}`}
        </p>
      </div>
      {schedule.next_times.length > 0 && <NextTimes times={schedule.next_times} zone={schedule.time_zone} />}
      {onEdit && (
        <span className="flex shrink-0 gap-1.5">
          <Button size="small" tone="ghost" onClick={onDelete} aria-label={`Remove ${schedule.name}`}>
            Remove
          </Button>
          <Button size="small" tone="ghost" onClick={onEdit} aria-label={`Edit ${schedule.name}`}>
            Edit
          </Button>
          <Button
            size="small"
            onClick={onPause}
            aria-label={schedule.paused ? `Resume ${schedule.name}` : `Pause ${schedule.name}`}
          >
            {schedule.paused ? 'Resume' : 'Pause'}
          </Button>
        </span>
      )}
    </li>
  );
};

const NextTimes = ({ times, zone }: { times: readonly string[]; zone: string }) => (
  <ol aria-label="Next times" className="tabular shrink-0 text-12 leading-5 text-text-3">
    {times.map((time, index) => (
      <li key={time} className={index === 0 ? 'text-text-2' : undefined}>
        {exactTime(Date.parse(time), zone)}
      </li>
    ))}
  </ol>
);

const ScheduleDialog = ({
  schedule,
  scripts,
  chains,
  onClose,
}: {
  schedule?: ScriptSchedule;
  scripts: readonly Script[];
  chains: readonly ScriptChain[];
  onClose: () => void;
}) => {
  const [name, setName] = useState(schedule?.name ?? '');
  const [what, setWhat] = useState(schedule?.script_id ?? schedule?.chain_id ?? scripts[0]?.id ?? '');
  const [cron, setCron] = useState(schedule?.cron ?? '0 3 * * *');
  const [zone, setZone] = useState(schedule?.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone);
  const script = scripts.find(({ id }) => id === what);
  const parameters = script?.parameters ?? [];
  const [draft, setDraft] = useState(() => draftOf(parameters, schedule?.parameters));
  const timing = useDeferredValue({ cron: cron.trim(), time_zone: zone.trim() });
  const preview = useOperation(scriptSchedulesPreview, timing, {
    enabled: timing.cron.length >= 9 && timing.time_zone !== '',
  });
  const options = {
    quiet: true,
    invalidates: scriptReads,
    done: ({ name: made }: ScriptSchedule) => `${made} is kept`,
    onSuccess: onClose,
  };
  const create = useOperationMutation(scriptSchedulesCreate, options);
  const update = useOperationMutation(scriptSchedulesUpdate, options);
  const errors = formErrors(create.error ?? update.error, ['name', 'cron', 'time_zone', ...fieldPaths(parameters)]);
  const wrong = formErrors(preview.error, ['cron', 'time_zone']);
  const form = useId();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const given = { name, ...timing, parameters: valuesOf(parameters, draft) };
    if (schedule !== undefined) update.mutate({ ...given, id: schedule.id, version: schedule.version });
    else create.mutate({ ...given, ...(script === undefined ? { chain_id: what } : { script_id: what }) });
  };
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={schedule === undefined ? 'Add a schedule' : `Edit ${schedule.name}`}
      description="It runs as you. After an outage one missed time at most is made up for."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            tone="primary"
            type="submit"
            form={form}
            busy={create.isPending || update.isPending}
            disabled={name.trim() === '' || what === ''}
          >
            Save schedule
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-5">
        <FormField label="Name" error={errors.of('name')}>
          <Input
            dir="auto"
            name="schedule-name"
            required
            maxLength={100}
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        </FormField>
        {schedule === undefined && (
          <FormField label="What runs">
            <Select
              value={what}
              onChange={(id) => {
                setWhat(id);
                setDraft(draftOf(scripts.find((one) => one.id === id)?.parameters ?? []));
              }}
              options={[
                ...scripts.map((one) => ({ value: one.id, label: one.name })),
                ...chains.map((one) => ({ value: one.id, label: one.name, hint: 'Chain' })),
              ]}
            />
          </FormField>
        )}
        <div className="grid gap-5 sm:grid-cols-2">
          <FormField
            label="When"
            error={errors.of('cron') ?? wrong.of('cron')}
            hint={cronWords(cron) === cron ? 'Minute, hour, day, month, day of week' : cronWords(cron)}
          >
            <Input
              name="schedule-cron"
              required
              spellCheck={false}
              className="font-mono text-13"
              value={cron}
              onChange={(event) => setCron(event.target.value)}
            />
          </FormField>
          <FormField label="Time zone" error={errors.of('time_zone') ?? wrong.of('time_zone')}>
            <Input required spellCheck={false} value={zone} onChange={(event) => setZone(event.target.value)} />
          </FormField>
        </div>
        {preview.data && !preview.error && <NextTimes times={preview.data.next_times} zone={timing.time_zone} />}
        <ValuesFields parameters={parameters} draft={draft} onChange={setDraft} errors={errors} />
        <FormError>{errors.rest}</FormError>
      </form>
    </Dialog>
  );
};
