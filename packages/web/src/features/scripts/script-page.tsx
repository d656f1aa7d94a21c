import {
  type Script,
  scriptRunsList,
  scriptsConfirm,
  scriptsDelete,
  scriptsDryRun,
  scriptsGet,
  scriptsRun,
} from '@atrium/protocol';
import { useNavigate, useParams } from '@tanstack/react-router';
import { Ellipsis } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { formErrors } from '../../data/form-errors.ts';
import { useOperation, useOperationList, useOperationMutation } from '../../data/operations.ts';
import { mayUse, useMe } from '../../data/session.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { ConfirmDialog } from '../../ui/dialog.tsx';
import { DropdownMenu } from '../../ui/dropdown-menu.tsx';
import { Facts } from '../../ui/facts.tsx';
import { FormError } from '../../ui/form-field.tsx';
import { Notice } from '../../ui/notice.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { SkeletonDetail } from '../../ui/skeleton.tsx';
import { EndOfList } from '../diaries/end-of-list.tsx';
import { RegisterDialog } from './register-dialog.tsx';
import { RunRow } from './run-row.tsx';
import { isOff, kindWords, scriptReads, shortDigest } from './script-words.ts';
import { ScriptsOff } from './scripts-off.tsx';
import { draftOf, fieldPaths, ValuesFields, valuesOf } from './values-fields.tsx';

/** One script: run it, see what it did, agree to a changed file. */
export const ScriptPage = () => {
  const { id } = useParams({ from: '/frame/scripts/$id' });
  const navigate = useNavigate();
  const query = useOperation(scriptsGet, { id });
  const back = { label: 'scripts', onBack: () => void navigate({ to: '/scripts' }) };
  if (query.data) return <Opened key={query.data.version} script={query.data} back={back} />;
  return (
    <>
      <PageHeader title="Script" back={back} />
      {isOff(query.error) ? (
        <ScriptsOff />
      ) : query.error ? (
        <LoadError error={query.error} retry={query.refetch} />
      ) : (
        <SkeletonDetail />
      )}
    </>
  );
};

const Opened = ({ script, back }: { script: Script; back: { label: string; onBack: () => void } }) => {
  const mayWrite = mayUse(useMe(), { permission: 'scripts.write', operator: true });
  const navigate = useNavigate();
  const [editing, setEditing] = useState(false);
  const [deleting, setDeleting] = useState(false);
  const runs = useOperationList(scriptRunsList, { script_id: script.id, limit: 50 });
  const remove = useOperationMutation(scriptsDelete, {
    invalidates: scriptReads,
    done: () => `${script.name} is removed`,
    onSuccess: () => void navigate({ to: '/scripts' }),
  });
  return (
    <>
      <PageHeader
        title={script.name}
        back={back}
        tools={
          mayWrite && (
            <DropdownMenu
              trigger={
                <IconButton label="More about this script" size="small">
                  <Ellipsis />
                </IconButton>
              }
              entries={[
                { label: 'Edit script', onSelect: () => setEditing(true) },
                { kind: 'separator' },
                { label: 'Remove script', tone: 'danger', onSelect: () => setDeleting(true) },
              ]}
            />
          )
        }
      />
      <div className="min-h-0 flex-1 overflow-y-auto">
        {script.file !== 'same' && (
          <div className="border-b border-line px-4 py-4 md:px-6">
            <ChangedFile script={script} mayConfirm={mayWrite} />
          </div>
        )}
        <div className="grid min-h-full lg:grid-cols-[minmax(0,1fr)_minmax(0,400px)]">
          <div className="flex min-w-0 flex-col gap-5 lg:order-1 lg:border-l lg:border-line">
            <RunForm script={script} />
          </div>
          <div className="min-w-0 max-lg:border-t max-lg:border-line">
            <div className="flex flex-col gap-4 px-4 py-5 md:px-6">
              {script.description && (
                <p dir="auto" className="max-w-[72ch] text-14 whitespace-pre-line text-text-2">
                  {script.description}
                </p>
              )}
              <Facts
                facts={[
                  { label: 'File', value: <code className="text-13">{script.path}</code> },
                  { label: 'Kind', value: kindWords[script.kind] },
                  { label: 'Time limit', value: `${script.timeout_s} s` },
                  {
                    label: 'Digest',
                    value: (
                      <code title={script.digest} className="text-13">
                        {shortDigest(script.digest)}
                      </code>
                    ),
                  },
                  { label: 'Registered by', value: script.created_by.name },
                  { label: 'At once', value: script.max_parallel },
                ]}
              />
            </div>
            <h2 className="border-b border-line px-4 pb-2 text-13 font-medium md:px-6">Runs</h2>
            {runs.items.length === 0 && !runs.isPending ? (
              <p className="px-4 py-6 text-13 text-text-3 md:px-6">It has not run yet.</p>
            ) : (
              <ul aria-label="Runs">
                {runs.items.map((run) => (
                  <RunRow key={run.id} run={run} />
                ))}
              </ul>
            )}
            <EndOfList onReached={runs.loadMore} loading={runs.loadingMore} />
          </div>
        </div>
      </div>
      {editing && <RegisterDialog script={script} onClose={() => setEditing(false)} />}
      <ConfirmDialog
        open={deleting}
        onOpenChange={setDeleting}
        title={`Remove ${script.name}`}
        verb="Remove script"
        busy={remove.isPending}
        onConfirm={() => remove.mutate({ id: script.id })}
      >
        The file stays where it is, and what it wrote stays for 30 days. Chains and schedules that need it keep it from
        being removed.
      </ConfirmDialog>
    </>
  );
};

const ChangedFile = ({ script, mayConfirm }: { script: Script; mayConfirm: boolean }) => {
  const confirm = useOperationMutation(scriptsConfirm, {
    invalidates: scriptReads,
    done: ({ name }) => `The file of ${name} is agreed to`,
  });
  const { found_digest: found } = script;
  if (found === null)
    return (
      <Notice tone="warning">
        {script.file === 'missing'
          ? `${script.path} is not in the directory any more. It cannot run.`
          : `${script.path} cannot be a script as it is now. It does not run.`}
      </Notice>
    );
  return (
    <Notice tone="warning">
      <p className="font-medium text-text">The file has changed since somebody agreed to it, so it does not run.</p>
      <dl className="mt-2 grid grid-cols-[auto_minmax(0,1fr)] gap-x-3 gap-y-1">
        <dt className="text-text-3">Agreed to</dt>
        <dd className="font-mono text-12 break-all">{script.digest}</dd>
        <dt className="text-text-3">Now</dt>
        <dd className="font-mono text-12 break-all">{found}</dd>
      </dl>
      {mayConfirm ? (
        <div className="mt-3 flex items-center gap-3">
          <Button
            size="small"
            busy={confirm.isPending}
            onClick={() => confirm.mutate({ id: script.id, digest: found })}
          >
            Agree to the change
          </Button>
          <span>Read the file first: sha256sum shows this digest.</span>
        </div>
      ) : (
        <p className="mt-2">An operator has to agree to the change.</p>
      )}
    </Notice>
  );
};

const RunForm = ({ script }: { script: Script }) => {
  const navigate = useNavigate();
  const [draft, setDraft] = useState(() => draftOf(script.parameters));
  const options = {
    quiet: true,
    invalidates: scriptReads,
    onSuccess: ({ id }: { id: string }) => void navigate({ to: '/scripts/runs/$id', params: { id } }),
  };
  const run = useOperationMutation(scriptsRun, options);
  const dry = useOperationMutation(scriptsDryRun, options);
  const errors = formErrors(run.error ?? dry.error, fieldPaths(script.parameters));
  const input = () => ({ id: script.id, parameters: valuesOf(script.parameters, draft) });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    dry.reset();
    run.mutate(input());
  };
  const ready = script.file === 'same';
  return (
    <form onSubmit={submit} aria-label={`Run ${script.name}`} className="flex flex-col gap-5 px-4 py-5 md:px-6">
      {script.parameters.length === 0 ? (
        <p className="text-13 text-text-3">It takes no parameters.</p>
      ) : (
        <ValuesFields parameters={script.parameters} draft={draft} onChange={setDraft} errors={errors} />
      )}
      <FormError>{errors.rest}</FormError>
      <div className="flex gap-2">
        <Button tone="primary" type="submit" busy={run.isPending} disabled={!ready}>
          {script.approver_id === null ? 'Run' : 'Ask to run'}
        </Button>
        <Button
          busy={dry.isPending}
          disabled={!ready}
          onClick={() => {
            run.reset();
            dry.mutate(input());
          }}
        >
          Dry run
        </Button>
      </div>
      <p className="text-12 text-text-3">
        Values reach the script as environment variables. A dry run sets <code>DRY_RUN=true</code>; whether it changes
        nothing is up to the script.
      </p>
    </form>
  );
};
