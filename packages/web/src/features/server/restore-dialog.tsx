import { type BackupPart, type BackupView, backupParts, backupsRestore, type OutputOf } from '@atrium/protocol';
import { type FormEvent, useId, useState } from 'react';
import { formErrors } from '../../data/form-errors.ts';
import { useOperationMutation } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input, PasswordInput } from '../../ui/input.tsx';
import { Notice } from '../../ui/notice.tsx';
import { Checkbox, RadioGroup, Switch } from '../../ui/toggles.tsx';
import { backupReads, partWords } from './backup-words.ts';

type Report = OutputOf<typeof backupsRestore>;

/** Everything or parts; what would happen is shown before it does. */
export const RestoreDialog = ({ backup, onClose }: { backup: BackupView; onClose: () => void }) => {
  const form = useId();
  const [whole, setWhole] = useState(false);
  const [parts, setParts] = useState<readonly BackupPart[]>(['apps']);
  const [overwrite, setOverwrite] = useState(false);
  const [passphrase, setPassphrase] = useState('');
  const [confirm, setConfirm] = useState('');
  const [checked, setChecked] = useState<Report | null>(null);
  const input = {
    id: backup.id,
    ...(backup.encrypted ? { passphrase } : {}),
    ...(whole ? {} : { parts: [...parts], overwrite }),
  };
  const options = { quiet: true, invalidates: [...backupReads, 'apps.list', 'routes.list', 'certificates.list'] };
  const check = useOperationMutation(backupsRestore, { ...options, onSuccess: setChecked });
  const run = useOperationMutation(backupsRestore, {
    ...options,
    done: ({ outcome }) =>
      outcome === 'restarting' ? 'The server restores and starts again; sign in when it is back' : 'It is restored',
    onSuccess: onClose,
  });
  const errors = formErrors(run.error ?? check.error, ['passphrase', 'confirm']);
  const again =
    <T,>(set: (value: T) => void) =>
    (value: T) => {
      set(value);
      setChecked(null);
    };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (checked === null) check.mutate({ ...input, dry_run: true });
    else run.mutate(whole ? { ...input, confirm } : input);
  };
  const ready = (!backup.encrypted || passphrase !== '') && (whole || parts.length > 0);
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title="Restore"
      description={backup.file_name}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            tone={checked !== null && whole ? 'danger' : 'primary'}
            type="submit"
            form={form}
            busy={check.isPending || run.isPending}
            disabled={!ready || (checked !== null && whole && confirm !== backup.file_name)}
          >
            {checked === null ? 'Check first' : whole ? 'Replace everything' : 'Restore these parts'}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-5">
        <FormField label="What comes back" group>
          <RadioGroup
            label="What comes back"
            value={whole ? 'whole' : 'parts'}
            onChange={(value) => again(setWhole)(value === 'whole')}
            options={[
              { value: 'parts', label: 'Parts', hint: 'They join what is here; the server goes on' },
              {
                value: 'whole',
                label: 'Everything',
                hint: 'What came after the backup is lost; the server starts again',
              },
            ]}
          />
        </FormField>
        {!whole && (
          <>
            <FormField label="Parts" group>
              <div className="grid gap-2 sm:grid-cols-2">
                {backupParts.map((part) => (
                  <Checkbox
                    key={part}
                    label={partWords[part].label}
                    hint={partWords[part].hint}
                    checked={parts.includes(part)}
                    onChange={(on) => again(setParts)(on ? [...parts, part] : parts.filter((one) => one !== part))}
                  />
                ))}
              </div>
            </FormField>
            <Switch
              label="Replace what is here"
              hint="Off: what exists stays as it is, and only what is missing comes back."
              checked={overwrite}
              onChange={again(setOverwrite)}
            />
          </>
        )}
        {backup.encrypted && (
          <FormField label="Passphrase" error={errors.of('passphrase')}>
            <PasswordInput
              name="restore-passphrase"
              autoComplete="off"
              value={passphrase}
              onChange={(event) => again(setPassphrase)(event.target.value)}
            />
          </FormField>
        )}
        {checked !== null && (whole ? <WholeReport report={checked} /> : <PartReport report={checked} />)}
        {checked !== null && whole && (
          <FormField label="Type the name of the file" hint={backup.file_name} error={errors.of('confirm')}>
            <Input
              name="restore-confirm"
              spellCheck={false}
              autoComplete="off"
              className="font-mono text-13"
              value={confirm}
              onChange={(event) => setConfirm(event.target.value)}
            />
          </FormField>
        )}
        <FormError>{errors.rest}</FormError>
      </form>
    </Dialog>
  );
};

const WholeReport = ({ report }: { report: Report }) => (
  <Notice tone="warning">
    Every byte was checked: {report.rows.toLocaleString('en')} rows and {report.files.toLocaleString('en')} files of
    Atrium {report.version}. They take the place of everything here, your session too.
  </Notice>
);

const PartReport = ({ report }: { report: Report }) => (
  <table className="w-full text-13">
    <caption className="pb-2 text-left text-13 font-medium">What would change</caption>
    <thead className="text-12 text-text-3">
      <tr>
        {['Table', 'Added', 'Replaced', 'Left', 'Skipped'].map((title, index) => (
          <th
            key={title}
            scope="col"
            className={index === 0 ? 'pb-1 text-left font-normal' : 'pb-1 text-right font-normal'}
          >
            {title}
          </th>
        ))}
      </tr>
    </thead>
    <tbody>
      {report.tables.map((row) => (
        <tr key={row.table} className="border-t border-line">
          <th scope="row" className="py-1.5 text-left font-normal">
            <code className="text-12 break-all">{row.table}</code>
          </th>
          {[row.added, row.replaced, row.kept, row.skipped].map((count, index) => (
            <td
              // biome-ignore lint/suspicious/noArrayIndexKey: the columns never change their order
              key={index}
              className={count === 0 ? 'tabular text-right text-text-3' : 'tabular text-right font-medium'}
            >
              {count}
            </td>
          ))}
        </tr>
      ))}
    </tbody>
  </table>
);
