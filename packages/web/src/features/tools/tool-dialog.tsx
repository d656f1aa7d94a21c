import { systemRoles, type ToolDetail, toolPolicies, toolsApprove, toolsGet, toolsUpdate } from '@atrium/protocol';
import { type FormEvent, useId, useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { formErrors } from '../../data/form-errors.ts';
import { useOperation, useOperationMutation } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { DiffView } from '../../ui/diff-view.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input, Textarea } from '../../ui/input.tsx';
import { lineDiff } from '../../ui/line-diff.ts';
import { Notice } from '../../ui/notice.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { Select } from '../../ui/select.tsx';
import { SkeletonRows } from '../../ui/skeleton.tsx';
import { Switch } from '../../ui/toggles.tsx';
import { linesOf, policyWords, toolReads } from './tool-words.ts';

/** One tool: what a model reads of it, what changed, and how it is offered. */
export const ToolDialog = ({ id, manages, onClose }: { id: string; manages: boolean; onClose: () => void }) => {
  const query = useOperation(toolsGet, { id });
  if (query.data) return <Opened key={query.data.version} tool={query.data} manages={manages} onClose={onClose} />;
  return (
    <Dialog open onOpenChange={onClose} width="large" title="Tool">
      {query.error ? <LoadError error={query.error} retry={query.refetch} /> : <SkeletonRows rows={6} />}
    </Dialog>
  );
};

interface OpenedProps {
  tool: ToolDetail;
  manages: boolean;
  onClose: () => void;
}

const Opened = ({ tool, manages, onClose }: OpenedProps) =>
  manages && (tool.state === 'new' || tool.state === 'changed') ? (
    <Review tool={tool} onClose={onClose} />
  ) : (
    <Settings tool={tool} manages={manages} onClose={onClose} />
  );

const Review = ({ tool, onClose }: Omit<OpenedProps, 'manages'>) => {
  const approve = useOperationMutation(toolsApprove, {
    invalidates: toolReads,
    done: () => `${tool.name} is approved`,
    onSuccess: onClose,
  });
  const changed = tool.state === 'changed';
  return (
    <Dialog
      open
      onOpenChange={onClose}
      width="large"
      title={changed ? `${tool.name} has changed` : `${tool.name} is new`}
      description={
        changed ? (
          <>
            Its calls are refused until you approve what it is now. Found <RelativeTime time={tool.found_at} />.
          </>
        ) : (
          'What a model would read of it, word for word.'
        )
      }
      footer={
        <>
          <Button onClick={onClose}>Not now</Button>
          <Button
            tone="primary"
            busy={approve.isPending}
            onClick={() => approve.mutate({ definitions: [{ id: tool.id, fingerprint: tool.found_fingerprint! }] })}
          >
            {changed ? 'Approve the change' : 'Approve tool'}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        {tool.destructive && (
          <Notice tone="warning">It does not say that it only reads: it may change or delete things.</Notice>
        )}
        {tool.found?.description && (
          <p dir="auto" className="max-w-[72ch] text-14 whitespace-pre-line text-text">
            {tool.found.description}
          </p>
        )}
        <DiffView diff={lineDiff(linesOf(tool.definition), linesOf(tool.found))} maxHeight={420} />
        <p className="text-12 text-text-3">
          Fingerprint <code className="break-all">{tool.found_fingerprint}</code>
        </p>
      </div>
    </Dialog>
  );
};

const Settings = ({ tool, manages, onClose }: OpenedProps) => {
  const [alias, setAlias] = useState(tool.alias ?? '');
  const [words, setWords] = useState(tool.description_override ?? '');
  const [listed, setListed] = useState(tool.listed);
  const [roles, setRoles] = useState(tool.role_policies);
  const form = useId();
  const save = useOperationMutation(toolsUpdate, {
    quiet: true,
    invalidates: toolReads,
    done: ({ offered_as }) => `${offered_as} is changed`,
    onSuccess: onClose,
  });
  const errors = formErrors(save.error, ['alias', 'description_override', 'role_policies']);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate({
      ...{ id: tool.id, version: tool.version, listed, role_policies: roles },
      alias: alias.trim() === '' ? null : alias.trim(),
      description_override: words.trim() === '' ? null : words.trim(),
    });
  };
  const setRole = (role: string, policy: string) =>
    setRoles([
      ...roles.filter((one) => one.role !== role),
      ...(policy === 'same' ? [] : [{ role, policy: policy as ToolDetail['your_policy'] }]),
    ]);
  return (
    <Dialog
      open
      onOpenChange={onClose}
      width="large"
      title={tool.offered_as}
      description={
        tool.approved_by === null ? undefined : (
          <>
            Approved by {tool.approved_by.name}
            {tool.approved_at !== null && (
              <>
                {' '}
                <RelativeTime time={tool.approved_at} />
              </>
            )}
            . It calls itself <code className="text-12">{tool.name}</code>.
          </>
        )
      }
      footer={
        manages ? (
          <>
            <Button onClick={onClose}>Cancel</Button>
            <Button tone="primary" type="submit" form={form} busy={save.isPending}>
              Save tool
            </Button>
          </>
        ) : (
          <Button onClick={onClose}>Close</Button>
        )
      }
    >
      {manages ? (
        <form id={form} onSubmit={submit} className="flex flex-col gap-5">
          <Switch
            checked={listed}
            onChange={setListed}
            label="On the allow-list"
            hint="Otherwise it is neither listed nor called, whatever its policy."
          />
          <FormField
            label="Name"
            required={false}
            error={errors.of('alias')}
            hint={`Offered as ${tool.server_slug}__${alias.trim() || tool.name}`}
          >
            <Input
              maxLength={64}
              placeholder={tool.name}
              value={alias}
              onChange={(event) => setAlias(event.target.value)}
              className="font-mono"
            />
          </FormField>
          <FormField
            label="Description for models"
            required={false}
            error={errors.of('description_override')}
            hint="Instead of its own."
          >
            <Textarea
              dir="auto"
              rows={3}
              maxLength={4000}
              placeholder={tool.definition?.description ?? ''}
              value={words}
              onChange={(event) => setWords(event.target.value)}
            />
          </FormField>
          <FormField
            group
            label="Policy by role"
            hint="Goes before the policy of the tool."
            error={errors.of('role_policies')}
          >
            <div className="grid gap-2 sm:grid-cols-2">
              {systemRoles
                .filter((role) => role !== 'viewer')
                .map((role) => (
                  <div key={role} className="flex items-center gap-3">
                    <span className="w-16 text-13 text-text-2 first-letter:uppercase">{role}</span>
                    <Select
                      label={`Policy for role ${role}`}
                      value={roles.find((one) => one.role === role)?.policy ?? 'same'}
                      onChange={(policy) => setRole(role, policy)}
                      options={[
                        { value: 'same', label: 'As for everybody' },
                        ...toolPolicies.map((value) => ({ value, label: policyWords[value] })),
                      ]}
                      className="flex-1"
                    />
                  </div>
                ))}
            </div>
          </FormField>
          <FormError>{errors.rest}</FormError>
          <Definition tool={tool} />
        </form>
      ) : (
        <Definition tool={tool} />
      )}
    </Dialog>
  );
};

const Definition = ({ tool }: { tool: ToolDetail }) => (
  <section aria-label="Approved definition" className="flex flex-col gap-2">
    <h3 className="text-13 font-medium">Approved definition</h3>
    <pre
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard.
      tabIndex={0}
      className="max-h-72 overflow-auto rounded-control border border-line bg-sunken p-3 font-mono text-12 leading-5 whitespace-pre-wrap"
    >
      {linesOf(tool.definition)}
    </pre>
  </section>
);
