import {
  type BackupView,
  backupsCreate,
  backupsDelete,
  backupsDownload,
  backupsGetSchedule,
  backupsList,
  backupsTest,
} from '@atrium/protocol';
import { type FormEvent, useId, useState } from 'react';
import { fileUrl } from '../../data/client.ts';
import { formErrors } from '../../data/form-errors.ts';
import { useOperation, useOperationList, useOperationMutation } from '../../data/operations.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { ConfirmDialog, Dialog } from '../../ui/dialog.tsx';
import { Facts } from '../../ui/facts.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { PasswordInput } from '../../ui/input.tsx';
import { Notice } from '../../ui/notice.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { Skeleton } from '../../ui/skeleton.tsx';
import type { Column } from '../../ui/table.tsx';
import { archiveSize, backupReads, progressWords, scheduleWords } from './backup-words.ts';
import { RegistryPage } from './registry.tsx';
import { RestoreDialog } from './restore-dialog.tsx';
import { BackupScheduleDialog } from './schedule-dialog.tsx';

export const BackupsPage = () => {
  const [q, setQ] = useState('');
  const list = useOperationList(backupsList, { limit: 100 }, { keepPrevious: true });
  const items = list.items.filter(({ file_name }) => file_name.includes(q.trim()));
  return (
    <RegistryPage<BackupView>
      id="backups"
      title="Backups"
      noun="backup"
      verb="Back up now"
      q={q}
      onSearch={setQ}
      list={{ ...list, items }}
      columns={columns}
      card={(backup) => ({
        title: backup.file_name,
        detail: backup.state === 'running' ? progressWords(backup) : sizeOf(backup),
        trailing: <BackupState backup={backup} />,
      })}
      intro={<Plan />}
      empty={{
        title: 'A backup holds every table and file in one archive',
        verb: 'Make the first one',
        docs: { href: '/api/docs', label: 'How to restore on another machine' },
        children:
          'The master key is not in it: keep master.key elsewhere. The first scheduled one comes by itself; files put into the directory appear here.',
      }}
      dialog={(backup, open, onClose) =>
        backup === null ? (
          <NewBackup open={open} onClose={onClose} />
        ) : (
          <BackupDialog backup={items.find(({ id }) => id === backup.id) ?? backup} open={open} onClose={onClose} />
        )
      }
    />
  );
};

/** When the next one comes, and how the last one went: the first question somebody has here. */
const Plan = () => {
  const { data } = useOperation(backupsGetSchedule, {});
  const [editing, setEditing] = useState(false);
  if (data === undefined)
    return (
      <div className="border-b border-line px-4 py-4 md:px-6">
        <Skeleton className="h-10 max-w-96" />
      </div>
    );
  const failed = data.last_state === 'failed';
  return (
    <section
      aria-label="Schedule"
      className="flex shrink-0 flex-wrap items-center gap-x-6 gap-y-3 border-b border-line px-4 py-3.5 md:px-6"
    >
      <div className="min-w-0 flex-1 max-md:basis-full">
        <p className="flex flex-wrap items-center gap-x-2 text-14 font-medium">
          {data.enabled ? scheduleWords(data) : 'Nothing is backed up by itself'}
          {data.encrypted && <Badge>Encrypted</Badge>}
          {failed && <Badge tone="danger">Last one failed</Badge>}
        </p>
        <p className="text-13 text-text-2">
          {data.enabled && data.next_at !== null ? (
            <>
              Next <RelativeTime time={data.next_at} />,{' '}
              {data.retention === 1 ? 'the newest is' : `${data.retention} are`} kept
            </>
          ) : (
            'Those made by hand stay until you delete them'
          )}
        </p>
        {failed && data.last_error !== null && <p className="text-13 text-danger-text">{data.last_error}</p>}
      </div>
      <Button size="small" onClick={() => setEditing(true)}>
        Change schedule
      </Button>
      {editing && <BackupScheduleDialog schedule={data} onClose={() => setEditing(false)} />}
    </section>
  );
};

const BackupState = ({ backup }: { backup: BackupView }) => {
  if (backup.state === 'running') return <Badge tone="info">Running</Badge>;
  if (backup.state === 'failed') return <Badge tone="danger">Failed</Badge>;
  if (!backup.present) return <Badge tone="warning">File is gone</Badge>;
  if (backup.test?.state === 'running') return <Badge tone="info">In test</Badge>;
  if (backup.test?.state === 'failed') return <Badge tone="danger">Test failed</Badge>;
  return <Badge tone="success">{backup.test?.state === 'passed' ? 'Restore tested' : 'Whole'}</Badge>;
};

const sizeOf = ({ size }: BackupView): string => (size === null ? '–' : archiveSize(size));
const causes = { manual: 'By hand', schedule: 'Scheduled', found: 'Found' } as const;

const columns: Column<BackupView>[] = [
  {
    id: 'made',
    header: 'Made',
    width: 'minmax(120px, 0.8fr)',
    cell: (backup) => <RelativeTime time={backup.created_at} className="font-medium text-text" />,
    value: (backup) => Date.parse(backup.created_at),
  },
  {
    id: 'state',
    header: 'State',
    width: 'minmax(130px, 0.9fr)',
    cell: (backup) => <BackupState backup={backup} />,
    value: (backup) => backup.state,
  },
  {
    id: 'size',
    header: 'Size',
    width: 'minmax(130px, 1fr)',
    cell: (backup) =>
      backup.state === 'running' ? (
        <span className="truncate text-text-2">{progressWords(backup)}</span>
      ) : (
        <span className="tabular text-text-2">{sizeOf(backup)}</span>
      ),
    value: (backup) => backup.size ?? 0,
  },
  {
    id: 'cause',
    header: 'Why',
    width: 'minmax(110px, 0.7fr)',
    cell: (backup) => <span className="truncate text-text-2">{causes[backup.cause]}</span>,
    value: (backup) => causes[backup.cause],
  },
  {
    id: 'file',
    header: 'File',
    width: 'minmax(200px, 1.5fr)',
    wide: true,
    cell: (backup) => <code className="truncate text-12 text-text-3">{backup.file_name}</code>,
    value: (backup) => backup.file_name,
  },
];

const NewBackup = ({ open, onClose }: { open: boolean; onClose: () => void }) => {
  const form = useId();
  const [passphrase, setPassphrase] = useState('');
  const create = useOperationMutation(backupsCreate, {
    quiet: true,
    invalidates: backupReads,
    done: () => 'The backup is under way',
    onSuccess: onClose,
  });
  const errors = formErrors(create.error, ['passphrase']);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate(passphrase === '' ? {} : { passphrase });
  };
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => !next && onClose()}
      title="Back up now"
      description="Everything at this moment: tables, files, durable work. The server goes on meanwhile."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button tone="primary" type="submit" form={form} busy={create.isPending}>
            Back up now
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-5">
        <FormField
          label="Passphrase"
          required={false}
          hint="Encrypts the file. It is kept nowhere: without it nobody reads the backup again."
          error={errors.of('passphrase')}
        >
          <PasswordInput
            name="backup-passphrase"
            autoComplete="new-password"
            minLength={12}
            value={passphrase}
            onChange={(event) => setPassphrase(event.target.value)}
          />
        </FormField>
        <FormError>{errors.rest}</FormError>
      </form>
    </Dialog>
  );
};

const BackupDialog = ({ backup, open, onClose }: { backup: BackupView; open: boolean; onClose: () => void }) => {
  const [asking, setAsking] = useState<'delete' | 'restore' | 'test' | null>(null);
  const remove = useOperationMutation(backupsDelete, {
    invalidates: backupReads,
    done: () => 'The backup is deleted',
    onSuccess: onClose,
  });
  const test = useOperationMutation(backupsTest, {
    invalidates: backupReads,
    done: () => 'It is restored into a scratch database; the result appears here',
    onSuccess: () => setAsking(null),
  });
  const usable = backup.state === 'done' && backup.present;
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => !next && onClose()}
      title={backup.file_name}
      footer={
        <>
          {backup.state !== 'running' && (
            <Button tone="ghost" className="mr-auto text-danger-text!" onClick={() => setAsking('delete')}>
              Delete
            </Button>
          )}
          {usable && (
            <>
              <Button
                busy={test.isPending}
                disabled={backup.test?.state === 'running'}
                onClick={() => (backup.encrypted ? setAsking('test') : test.mutate({ id: backup.id }))}
              >
                Test restore
              </Button>
              <Button
                onClick={() => {
                  const link = document.createElement('a');
                  link.href = fileUrl(backupsDownload, { id: backup.id });
                  link.download = backup.file_name;
                  link.click();
                }}
              >
                Download
              </Button>
              <Button tone="primary" onClick={() => setAsking('restore')}>
                Restore
              </Button>
            </>
          )}
        </>
      }
    >
      <div className="flex flex-col gap-5">
        {backup.error !== null && <Notice tone="danger">{backup.error}</Notice>}
        {backup.state === 'done' && !backup.present && (
          <Notice tone="warning">The file is not in the directory of this server any more.</Notice>
        )}
        {backup.test?.state === 'failed' && (
          <Notice tone="danger">It could not be restored in a test: {backup.test.error}</Notice>
        )}
        {(backup.lost_files ?? 0) > 0 && (
          <Notice tone="warning">
            {backup.lost_files} stored files were missing or damaged already, and are not in it.
          </Notice>
        )}
        <Facts
          facts={[
            { label: 'Made', value: <RelativeTime time={backup.created_at} /> },
            { label: 'By', value: backup.created_by.name },
            { label: 'Version', value: backup.version ?? '–' },
            { label: 'Size', value: sizeOf(backup) },
            { label: 'Rows', value: backup.rows === null ? '–' : backup.rows.toLocaleString('en') },
            { label: 'Files', value: backup.files === null ? '–' : backup.files.toLocaleString('en') },
            { label: 'Encrypted', value: backup.encrypted ? 'with a passphrase' : 'no' },
            { label: 'Master key', value: backup.key_ids[0] ?? '–' },
            {
              label: 'Restore tested',
              value: backup.test?.state === 'passed' ? <RelativeTime time={backup.test.at} /> : 'not yet',
            },
          ]}
        />
        {backup.sha256 !== null && (
          <p className="text-12 text-text-3">
            SHA-256 <code className="break-all">{backup.sha256}</code>
          </p>
        )}
      </div>
      <ConfirmDialog
        open={asking === 'delete'}
        onOpenChange={() => setAsking(null)}
        title="Delete this backup"
        verb="Delete backup"
        busy={remove.isPending}
        onConfirm={() => remove.mutate({ id: backup.id })}
      >
        Its file goes from the disk. What is in it cannot be brought back any more.
      </ConfirmDialog>
      {asking === 'test' && (
        <TestDialog
          onClose={() => setAsking(null)}
          busy={test.isPending}
          onTest={(passphrase) => test.mutate({ id: backup.id, passphrase })}
        />
      )}
      {asking === 'restore' && <RestoreDialog backup={backup} onClose={() => setAsking(null)} />}
    </Dialog>
  );
};

const TestDialog = (props: { onClose: () => void; busy: boolean; onTest: (passphrase: string) => void }) => {
  const form = useId();
  const [passphrase, setPassphrase] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    props.onTest(passphrase);
  };
  return (
    <Dialog
      open
      onOpenChange={props.onClose}
      width="small"
      title="Test restore"
      footer={
        <>
          <Button onClick={props.onClose}>Cancel</Button>
          <Button tone="primary" type="submit" form={form} busy={props.busy} disabled={passphrase === ''}>
            Test restore
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit}>
        <FormField label="Passphrase" hint="Of this backup. It is kept nowhere.">
          <PasswordInput
            name="test-passphrase"
            autoComplete="off"
            value={passphrase}
            onChange={(event) => setPassphrase(event.target.value)}
          />
        </FormField>
      </form>
    </Dialog>
  );
};
