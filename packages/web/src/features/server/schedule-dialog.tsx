import { type BackupSchedule, backupsRunSchedule, backupsSetSchedule } from '@atrium/protocol';
import { type FormEvent, useId, useState } from 'react';
import { formErrors } from '../../data/form-errors.ts';
import { useOperationMutation } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input, PasswordInput } from '../../ui/input.tsx';
import { Segmented } from '../../ui/tabs.tsx';
import { Switch } from '../../ui/toggles.tsx';
import { cronWords } from '../scripts/cron-words.ts';
import { backupReads } from './backup-words.ts';

/** When backups are made by themselves. */
export const BackupScheduleDialog = ({ schedule, onClose }: { schedule: BackupSchedule; onClose: () => void }) => {
  const form = useId();
  const [enabled, setEnabled] = useState(schedule.enabled);
  const [kind, setKind] = useState<'every' | 'cron'>(schedule.cron === null ? 'every' : 'cron');
  const [hours, setHours] = useState(String((schedule.every_s ?? 86_400) / 3600));
  const [cron, setCron] = useState(schedule.cron ?? '30 3 * * *');
  const [zone, setZone] = useState(
    schedule.cron === null ? Intl.DateTimeFormat().resolvedOptions().timeZone : schedule.time_zone,
  );
  const [retention, setRetention] = useState(String(schedule.retention));
  const [encrypted, setEncrypted] = useState(schedule.encrypted);
  const [passphrase, setPassphrase] = useState('');
  const [test, setTest] = useState(schedule.test);
  const set = useOperationMutation(backupsSetSchedule, {
    quiet: true,
    invalidates: backupReads,
    done: () => 'The schedule is kept',
    onSuccess: onClose,
  });
  const run = useOperationMutation(backupsRunSchedule, {
    invalidates: backupReads,
    done: () => 'The scheduled backup is under way',
    onSuccess: onClose,
  });
  const errors = formErrors(set.error, ['every_s', 'cron', 'time_zone', 'retention', 'passphrase']);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    set.mutate({
      ...{ version: schedule.version, enabled, test, retention: Number(retention) },
      ...(kind === 'every'
        ? { every_s: Math.round(Number(hours) * 3600) }
        : { cron: cron.trim(), time_zone: zone.trim() }),
      ...(encrypted ? (passphrase === '' ? {} : { passphrase }) : schedule.encrypted ? { passphrase: null } : {}),
    });
  };
  const needsPassphrase = encrypted && !schedule.encrypted && passphrase.length < 12;
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title="Scheduled backups"
      description={`They lie in ${schedule.directory}`}
      footer={
        <>
          <Button tone="ghost" className="mr-auto" busy={run.isPending} onClick={() => run.mutate({})}>
            Run it now
          </Button>
          <Button onClick={onClose}>Cancel</Button>
          <Button tone="primary" type="submit" form={form} busy={set.isPending} disabled={needsPassphrase}>
            Save schedule
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-5">
        <Switch label="Make backups by themselves" checked={enabled} onChange={setEnabled} />
        <Segmented
          label="When"
          value={kind}
          onChange={setKind}
          options={[
            { value: 'every', label: 'At an interval' },
            { value: 'cron', label: 'At times' },
          ]}
        />
        {kind === 'every' ? (
          <FormField label="Hours between two" error={errors.of('every_s')}>
            <Input
              type="number"
              name="backup-hours"
              min={0.1}
              max={744}
              step="any"
              required
              value={hours}
              onChange={(event) => setHours(event.target.value)}
            />
          </FormField>
        ) : (
          <div className="grid gap-5 sm:grid-cols-2">
            <FormField
              label="When"
              error={errors.of('cron')}
              hint={cronWords(cron) === cron ? 'Minute, hour, day, month, day of week' : cronWords(cron)}
            >
              <Input
                name="backup-cron"
                required
                spellCheck={false}
                className="font-mono text-13"
                value={cron}
                onChange={(event) => setCron(event.target.value)}
              />
            </FormField>
            <FormField label="Time zone" error={errors.of('time_zone')}>
              <Input required spellCheck={false} value={zone} onChange={(event) => setZone(event.target.value)} />
            </FormField>
          </div>
        )}
        <FormField
          label="How many are kept"
          hint="Older scheduled ones are deleted; those made by hand stay."
          error={errors.of('retention')}
        >
          <Input
            type="number"
            name="backup-retention"
            min={1}
            max={1000}
            required
            value={retention}
            onChange={(event) => setRetention(event.target.value)}
          />
        </FormField>
        <Switch
          label="Encrypt them with a passphrase"
          hint="It is kept encrypted under the master key, so write it down as well: a restore elsewhere asks for it."
          checked={encrypted}
          onChange={setEncrypted}
        />
        {encrypted && (
          <FormField
            label={schedule.encrypted ? 'New passphrase' : 'Passphrase'}
            required={!schedule.encrypted}
            hint="At least 12 characters"
            error={errors.of('passphrase')}
          >
            <PasswordInput
              name="schedule-passphrase"
              autoComplete="new-password"
              minLength={12}
              value={passphrase}
              onChange={(event) => setPassphrase(event.target.value)}
            />
          </FormField>
        )}
        <Switch
          label="Test a restore each week"
          hint="The newest is restored into a scratch database, which is thrown away."
          checked={test}
          onChange={setTest}
        />
        <FormError>{errors.rest}</FormError>
      </form>
    </Dialog>
  );
};
