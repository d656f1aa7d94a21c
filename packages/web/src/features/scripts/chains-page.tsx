import {
  type Script,
  type ScriptChain,
  scriptChainRunsList,
  scriptChainsCreate,
  scriptChainsDelete,
  scriptChainsList,
  scriptChainsRun,
  scriptChainsUpdate,
  scriptsList,
} from '@atrium/protocol';
import { Link } from '@tanstack/react-router';
import { ArrowDown, ArrowUp, Trash2 } from 'lucide-react';
import { type FormEvent, useId, useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { formErrors } from '../../data/form-errors.ts';
import { useOperationList, useOperationMutation } from '../../data/operations.ts';
import { mayUse, useMe } from '../../data/session.ts';
import { Badge, Dot, type Tone } from '../../ui/badge.tsx';
import { Button, IconButton } from '../../ui/button.tsx';
import { ConfirmDialog, Dialog } from '../../ui/dialog.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input } from '../../ui/input.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { Select } from '../../ui/select.tsx';
import { SkeletonRows } from '../../ui/skeleton.tsx';
import { EndOfList } from '../diaries/end-of-list.tsx';
import { ScriptsTabs } from '../gateway/gateway-tabs.tsx';
import { moved } from './parameters-editor.tsx';
import { isOff, runStates, scriptReads } from './script-words.ts';
import { ScriptsOff } from './scripts-off.tsx';
import { type Draft, draftOf, ValuesFields, valuesOf } from './values-fields.tsx';

const chainStates: Record<'running' | 'completed' | 'failed' | 'cancelled', { label: string; tone: Tone }> = {
  running: { label: 'Runs', tone: 'info' },
  completed: { label: 'Completed', tone: 'success' },
  failed: { label: 'Failed', tone: 'danger' },
  cancelled: { label: 'Cancelled', tone: 'neutral' },
};

/** Scripts one after another. */
export const ChainsPage = () => {
  const mayWrite = mayUse(useMe(), { permission: 'scripts.write', operator: true });
  const list = useOperationList(scriptChainsList, { limit: 100 });
  const runs = useOperationList(scriptChainRunsList, { limit: 20 });
  const scripts = useOperationList(scriptsList, { limit: 200 });
  const [editing, setEditing] = useState<ScriptChain | 'new' | null>(null);
  const [deleting, setDeleting] = useState<ScriptChain | null>(null);
  const run = useOperationMutation(scriptChainsRun, {
    invalidates: scriptReads,
    done: ({ chain_name }) => `${chain_name} has begun`,
  });
  const remove = useOperationMutation(scriptChainsDelete, {
    invalidates: scriptReads,
    onSuccess: () => setDeleting(null),
  });
  const off = isOff(list.error);
  const mayMake = mayWrite && scripts.items.length > 0;
  return (
    <>
      <PageHeader
        title="Scripts"
        tabs={<ScriptsTabs />}
        action={
          mayMake && (
            <Button tone="primary" size="small" onClick={() => setEditing('new')}>
              Make a chain
            </Button>
          )
        }
      />
      <div className="min-h-0 flex-1 overflow-y-auto">
        {off ? (
          <ScriptsOff />
        ) : list.isPending ? (
          <SkeletonRows tall rows={4} />
        ) : list.error && list.items.length === 0 ? (
          <LoadError error={list.error} retry={list.refetch} />
        ) : list.items.length === 0 ? (
          <EmptyState title="A chain runs scripts one after another, and says what happens when one fails">
            {mayWrite
              ? 'Register scripts first; then put them into an order here.'
              : 'Operators of this server make them.'}
          </EmptyState>
        ) : (
          <>
            <ul aria-label="Chains">
              {list.items.map((chain) => (
                <li
                  key={chain.id}
                  data-chain={chain.id}
                  className="flex flex-wrap items-start gap-x-4 gap-y-2 border-b border-line px-4 py-3.5 md:px-6"
                >
                  <span className="min-w-0 flex-1 max-md:basis-full">
                    <span dir="auto" className="block truncate text-14 font-medium text-text">
                      {chain.name}
                    </span>
                    <ol className="mt-1 flex flex-col gap-0.5 text-13 text-text-2">
                      {chain.steps.map((step, index) => (
                        // biome-ignore lint/suspicious/noArrayIndexKey: a step has no identity but its place.
                        <li key={index} className="flex min-w-0 gap-2">
                          <span className="tabular w-4 shrink-0 text-right text-text-3">{index + 1}</span>
                          <span dir="auto" className="truncate">
                            {step.script_name}
                          </span>
                          {step.on_failure === 'continue' && (
                            <span className="shrink-0 text-text-3">goes on when it fails</span>
                          )}
                        </li>
                      ))}
                    </ol>
                  </span>
                  <span className="flex shrink-0 gap-1.5">
                    {mayWrite && (
                      <>
                        <Button
                          size="small"
                          tone="ghost"
                          onClick={() => setDeleting(chain)}
                          aria-label={`Remove ${chain.name}`}
                        >
                          Remove
                        </Button>
                        <Button
                          size="small"
                          tone="ghost"
                          onClick={() => setEditing(chain)}
                          aria-label={`Edit ${chain.name}`}
                        >
                          Edit
                        </Button>
                      </>
                    )}
                    <Button size="small" onClick={() => run.mutate({ id: chain.id })} aria-label={`Run ${chain.name}`}>
                      Run
                    </Button>
                  </span>
                </li>
              ))}
            </ul>
            <EndOfList onReached={list.loadMore} loading={list.loadingMore} />
            {runs.items.length > 0 && (
              <>
                <h2 className="border-b border-line px-4 pt-6 pb-2 text-13 font-medium md:px-6">Lately</h2>
                <ul aria-label="Runs of chains">
                  {runs.items.map((one) => (
                    <li
                      key={one.id}
                      className="flex flex-wrap items-center gap-x-4 gap-y-1 border-b border-line px-4 py-2.5 text-13 md:px-6"
                    >
                      <span className="w-28 shrink-0">
                        <Badge dot tone={chainStates[one.state].tone}>
                          {chainStates[one.state].label}
                        </Badge>
                      </span>
                      <span dir="auto" className="min-w-0 flex-1 truncate font-medium text-text">
                        {one.chain_name}
                      </span>
                      <span className="flex min-w-0 flex-wrap gap-x-3">
                        {one.runs.map((step) => (
                          <Link
                            key={step.id}
                            to="/scripts/runs/$id"
                            params={{ id: step.id }}
                            className="quiet-link inline-flex max-w-48 min-w-0 items-center gap-1.5"
                          >
                            <Dot tone={runStates[step.state].tone} />
                            <span className="truncate">{step.script_name}</span>
                            <span className="sr-only">: {runStates[step.state].label}</span>
                          </Link>
                        ))}
                      </span>
                      <RelativeTime time={one.created_at} className="shrink-0 text-12 text-text-3" />
                    </li>
                  ))}
                </ul>
              </>
            )}
          </>
        )}
      </div>
      {editing !== null && (
        <ChainDialog
          scripts={scripts.items}
          onClose={() => setEditing(null)}
          {...(editing === 'new' ? {} : { chain: editing })}
        />
      )}
      <ConfirmDialog
        open={deleting !== null}
        onOpenChange={() => setDeleting(null)}
        title={`Remove ${deleting?.name ?? ''}`}
        verb="Remove chain"
        busy={remove.isPending}
        onConfirm={() => deleting && remove.mutate({ id: deleting.id })}
      >
        Its scripts stay. What runs of it goes on.
      </ConfirmDialog>
    </>
  );
};

interface StepDraft {
  key: number;
  script_id: string;
  values: Draft;
  on_failure: 'stop' | 'continue';
}

let keys = 0;
const stepOf = (
  script: Script | undefined,
  script_id: string,
  values = {},
  on_failure: 'stop' | 'continue' = 'stop',
) => {
  keys += 1;
  return { key: keys, script_id, values: draftOf(script?.parameters ?? [], values), on_failure };
};

const ChainDialog = ({
  chain,
  scripts,
  onClose,
}: {
  chain?: ScriptChain;
  scripts: readonly Script[];
  onClose: () => void;
}) => {
  const byId = (id: string) => scripts.find((one) => one.id === id);
  const [name, setName] = useState(chain?.name ?? '');
  const [steps, setSteps] = useState<StepDraft[]>(() =>
    chain === undefined
      ? [stepOf(scripts[0], scripts[0]?.id ?? '')]
      : chain.steps.map((step) => stepOf(byId(step.script_id), step.script_id, step.parameters, step.on_failure)),
  );
  const options = {
    quiet: true,
    invalidates: scriptReads,
    done: ({ name: made }: ScriptChain) => `${made} is kept`,
    onSuccess: onClose,
  };
  const create = useOperationMutation(scriptChainsCreate, options);
  const update = useOperationMutation(scriptChainsUpdate, options);
  const errors = formErrors(create.error ?? update.error, [
    'name',
    ...steps.flatMap((step, index) =>
      (byId(step.script_id)?.parameters ?? []).map((one) => `steps.${index}.parameters.${one.name}`),
    ),
  ]);
  const form = useId();
  const set = (at: number, change: Partial<StepDraft>) =>
    setSteps(steps.map((step, index) => (index === at ? { ...step, ...change } : step)));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const given = {
      name,
      steps: steps.map((step) => ({
        script_id: step.script_id,
        on_failure: step.on_failure,
        parameters: valuesOf(byId(step.script_id)?.parameters ?? [], step.values),
      })),
    };
    if (chain === undefined) create.mutate(given);
    else update.mutate({ ...given, id: chain.id, version: chain.version });
  };
  return (
    <Dialog
      open
      onOpenChange={onClose}
      width="large"
      title={chain === undefined ? 'Make a chain' : `Edit ${chain.name}`}
      description="Each step begins when the one before it has ended."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            tone="primary"
            type="submit"
            form={form}
            busy={create.isPending || update.isPending}
            disabled={name.trim() === '' || steps.length === 0}
          >
            Save chain
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-5">
        <FormField label="Name" error={errors.of('name')}>
          <Input
            dir="auto"
            name="chain-name"
            required
            maxLength={100}
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        </FormField>
        <ol aria-label="Steps" className="flex flex-col gap-3">
          {steps.map((step, index) => {
            const script = byId(step.script_id);
            const place = `step ${index + 1}`;
            return (
              <li key={step.key} className="flex flex-col gap-3 rounded-card border border-line p-3">
                <div className="flex items-center gap-2">
                  <span className="tabular w-5 text-13 text-text-3">{index + 1}</span>
                  <Select
                    label={`Script of ${place}`}
                    className="min-w-0 flex-1"
                    value={step.script_id}
                    onChange={(id) => set(index, { script_id: id, values: draftOf(byId(id)?.parameters ?? []) })}
                    options={scripts.map(({ id, name: label }) => ({ value: id, label }))}
                  />
                  <IconButton
                    label={`Move ${place} up`}
                    size="small"
                    disabled={index === 0}
                    onClick={() => setSteps(moved(steps, index, index - 1))}
                  >
                    <ArrowUp />
                  </IconButton>
                  <IconButton
                    label={`Move ${place} down`}
                    size="small"
                    disabled={index === steps.length - 1}
                    onClick={() => setSteps(moved(steps, index, index + 1))}
                  >
                    <ArrowDown />
                  </IconButton>
                  <IconButton
                    label={`Remove ${place}`}
                    size="small"
                    disabled={steps.length === 1}
                    onClick={() => setSteps(steps.filter((_, at) => at !== index))}
                  >
                    <Trash2 />
                  </IconButton>
                </div>
                {script !== undefined && script.parameters.length > 0 && (
                  <ValuesFields
                    parameters={script.parameters}
                    draft={step.values}
                    onChange={(values) => set(index, { values })}
                    errors={errors}
                    below={`steps.${index}.parameters`}
                  />
                )}
                <Select
                  label={`When ${place} fails`}
                  value={step.on_failure}
                  onChange={(on_failure) => set(index, { on_failure: on_failure as StepDraft['on_failure'] })}
                  options={[
                    { value: 'stop', label: 'Stop when it fails' },
                    { value: 'continue', label: 'Go on when it fails' },
                  ]}
                />
              </li>
            );
          })}
        </ol>
        <div>
          <Button
            size="small"
            disabled={steps.length >= 50}
            onClick={() => setSteps([...steps, stepOf(scripts[0], scripts[0]?.id ?? '')])}
          >
            Add a step
          </Button>
        </div>
        <FormError>{errors.rest}</FormError>
      </form>
    </Dialog>
  );
};
