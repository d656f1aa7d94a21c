// biome-ignore-all lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard.
import {
  appsGet,
  type ToolboxDeployment,
  toolboxCancel,
  toolboxDelete,
  toolboxDeploymentsGet,
  toolboxLogs,
  toolboxStart,
  toolboxStop,
} from '@atrium/protocol';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { Check, Circle, CircleAlert, LoaderCircle, RefreshCw } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { useOperation, useOperationMutation } from '../../data/operations.ts';
import { useCan, useMe } from '../../data/session.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button, IconButton } from '../../ui/button.tsx';
import { cx } from '../../ui/class-names.ts';
import { Dialog } from '../../ui/dialog.tsx';
import { Notice } from '../../ui/notice.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { Section, Sections } from '../../ui/section.tsx';
import { Select } from '../../ui/select.tsx';
import { Skeleton, SkeletonDetail } from '../../ui/skeleton.tsx';
import { RadioGroup } from '../../ui/toggles.tsx';
import { AppIcon } from '../gateway/app-icon.tsx';
import { ProgressBar, StateMark } from './state-mark.tsx';
import { ToolboxClosed } from './toolbox-tabs.tsx';
import { deploymentReads, isBusy, isUnderWay, steps } from './toolbox-words.ts';
import { UpdateDialog } from './update-dialog.tsx';

/** One installed application: how it is, what it is made of, what it says. */
export const DeploymentPage = () => (useCan('toolbox.deploy') ? <Loaded /> : <ToolboxClosed />);

const Loaded = () => {
  const { id } = useParams({ from: '/frame/toolbox/installed/$id' });
  const navigate = useNavigate();
  const found = useOperation(toolboxDeploymentsGet, { id });
  const back = { label: 'what is installed', onBack: () => void navigate({ to: '/toolbox/installed' }) };
  if (found.data) return <Deployment deployment={found.data} back={back} />;
  return (
    <>
      <PageHeader title="Installed" back={back} />
      {found.error ? <LoadError error={found.error} retry={found.refetch} /> : <SkeletonDetail />}
    </>
  );
};

const Deployment = ({
  deployment,
  back,
}: {
  deployment: ToolboxDeployment;
  back: { label: string; onBack: () => void };
}) => {
  const { id, name, state, template, message, app, created_by, created_at } = deployment;
  const operator = useMe().is_operator;
  const [asking, setAsking] = useState<'update' | 'remove' | null>(null);
  const invalidates = deploymentReads;
  const start = useOperationMutation(toolboxStart, { invalidates });
  const stop = useOperationMutation(toolboxStop, { invalidates });
  const cancel = useOperationMutation(toolboxCancel, { invalidates });
  const close = () => setAsking(null);
  const routes = useOperation(appsGet, { slug: app?.slug ?? '' }, { enabled: app !== null }).data?.routes;
  const address = state === 'running' ? routes?.find((route) => route.address !== null)?.address : null;
  return (
    <>
      <PageHeader
        title={name}
        back={back}
        aside={
          <span className="max-sm:hidden">
            <StateMark deployment={deployment} />
          </span>
        }
        action={
          operator && (
            <span className="flex items-center gap-1.5">
              {isUnderWay(state) && (
                <Button size="small" busy={cancel.isPending} onClick={() => cancel.mutate({ id })}>
                  Cancel
                </Button>
              )}
              {state === 'running' && (
                <Button size="small" tone="ghost" busy={stop.isPending} onClick={() => stop.mutate({ id })}>
                  Stop
                </Button>
              )}
              {state === 'stopped' && (
                <Button size="small" tone="ghost" busy={start.isPending} onClick={() => start.mutate({ id })}>
                  Start
                </Button>
              )}
              {!isBusy(state) && (
                <Button size="small" onClick={() => setAsking('update')}>
                  Update
                </Button>
              )}
              {state !== 'removing' && !isUnderWay(state) && (
                <Button size="small" tone="ghost" onClick={() => setAsking('remove')}>
                  Remove
                </Button>
              )}
            </span>
          )
        }
      />
      <div className="min-h-0 flex-1 overflow-y-auto">
        <Sections>
          <div className="flex flex-col gap-4 py-6">
            <div className="flex items-center gap-4">
              <AppIcon icon={template.icon} name={template.name} size={44} />
              <div className="min-w-0">
                <p className="text-14 font-medium text-text">{template.name}</p>
                <p className="text-13 text-text-3">
                  installed by {created_by.name} <RelativeTime time={created_at} />
                </p>
                <span className="sm:hidden">
                  <StateMark deployment={deployment} />
                </span>
              </div>
              {app && (
                <span className="ml-auto flex shrink-0 items-center gap-2">
                  <Button asChild tone="ghost">
                    <Link to="/routes/$id" params={{ id: app.route_id }}>
                      Route
                    </Link>
                  </Button>
                  {address && (
                    <Button asChild>
                      <a href={address} target="_blank" rel="noopener noreferrer">
                        Open
                        <span className="sr-only">, in a new tab</span>
                      </a>
                    </Button>
                  )}
                </span>
              )}
            </div>
            {message && <Notice tone={state === 'error' ? 'danger' : 'warning'}>{message}</Notice>}
            {deployment.newer_template && !isBusy(state) && (
              <Notice>The catalogue has a newer version of this template. An update can take it.</Notice>
            )}
          </div>
          {(isUnderWay(state) || state === 'error') && deployment.step !== null && (
            <Section title="Progress" lead="It goes on by itself, also when this server starts anew.">
              <Steps deployment={deployment} />
            </Section>
          )}
          <Section title="Made of" lead="All of it is on this machine, and bound to 127.0.0.1.">
            <MadeOf deployment={deployment} />
          </Section>
          <Section title="Settings" lead="An update changes them; data stays.">
            <Settings deployment={deployment} />
          </Section>
          <Section title="Logs" lead="The last lines of its containers. Secrets are masked.">
            <Logs deployment={deployment} />
          </Section>
        </Sections>
      </div>
      {asking === 'update' && <UpdateDialog deployment={deployment} onClose={close} />}
      <RemoveDialog deployment={deployment} open={asking === 'remove'} onClose={close} />
    </>
  );
};

const Steps = ({ deployment: { step, state, progress } }: { deployment: ToolboxDeployment }) => {
  const at = steps.findIndex((one) => one.step === step);
  return (
    <ol className="flex flex-col gap-2.5">
      {steps.map(({ step: one, label }, index) => {
        const done = index < at;
        const current = index === at;
        const failed = current && state === 'error';
        const Icon = failed ? CircleAlert : done ? Check : current ? LoaderCircle : Circle;
        return (
          <li key={one} aria-current={current ? 'step' : undefined} className="flex items-start gap-2.5 text-13">
            <Icon
              aria-hidden
              className={cx(
                'mt-0.5 size-4 shrink-0',
                failed
                  ? 'text-danger-text'
                  : done
                    ? 'text-success-text'
                    : current
                      ? 'animate-spin text-accent-text motion-reduce:animate-none'
                      : 'text-text-3 opacity-40',
              )}
            />
            <span className="min-w-0 flex-1">
              <span className={cx(current ? 'font-medium text-text' : 'text-text-2')}>
                {label}
                <span className="sr-only">{done ? ', done' : failed ? ', failed' : ''}</span>
              </span>
              {current && one === 'pull' && progress && (
                <ul aria-label="Images" className="mt-2 flex flex-col gap-2.5">
                  {progress.images.map(({ image, percent, status }) => (
                    <li key={image}>
                      <span className="flex justify-between gap-3 text-12">
                        <code className="min-w-0 truncate">{image}</code>
                        <span className="tabular shrink-0 text-text-3">
                          {percent === null ? status : `${percent} %`}
                        </span>
                      </span>
                      <span className="mt-1 block">
                        <ProgressBar percent={percent} label={`Pull of ${image}`} />
                      </span>
                    </li>
                  ))}
                </ul>
              )}
            </span>
          </li>
        );
      })}
    </ol>
  );
};

const Lines = ({ title, children }: { title: string; children: ReactNode }) => (
  <div>
    <h3 className="text-12 text-text-3">{title}</h3>
    <ul className="mt-1 flex flex-col gap-1.5 text-13">{children}</ul>
  </div>
);

const MadeOf = ({ deployment: { containers, volumes, ports } }: { deployment: ToolboxDeployment }) => (
  <div className="flex flex-col gap-5">
    <Lines title="Containers">
      {containers.length === 0 && <li className="text-text-3">None yet</li>}
      {containers.map(({ id, name, image }) => (
        <li key={id} className="flex min-w-0 flex-wrap gap-x-3">
          <code className="text-12">{name}</code>
          <span className="min-w-0 truncate text-text-3">{image}</span>
        </li>
      ))}
    </Lines>
    {volumes.length > 0 && (
      <Lines title="Volumes">
        {volumes.map((name) => (
          <li key={name}>
            <code className="text-12">{name}</code>
          </li>
        ))}
      </Lines>
    )}
    {ports.length > 0 && (
      <Lines title="Ports">
        {ports.map(({ service, container_port, host_port, protocol }) => (
          <li key={`${service} ${container_port} ${protocol}`} className="tabular">
            <code className="text-12">127.0.0.1:{host_port}</code>{' '}
            <span className="text-text-3">
              to {service} {container_port}/{protocol}
            </span>
          </li>
        ))}
      </Lines>
    )}
  </div>
);

const Settings = ({ deployment: { variables, accepted, registry } }: { deployment: ToolboxDeployment }) => (
  <div className="flex flex-col gap-5">
    {variables.length === 0 && <p className="text-13 text-text-3">Everything is as the template has it.</p>}
    {variables.length > 0 && (
      <dl className="grid grid-cols-[minmax(0,max-content)_minmax(0,1fr)] gap-x-6 gap-y-1.5 text-13">
        {variables.map(({ name, value, secret }) => (
          <div key={name} className="col-span-2 grid grid-cols-subgrid">
            <dt className="truncate font-mono text-12 leading-5 text-text-2">{name}</dt>
            <dd dir="auto" className="min-w-0 truncate text-text">
              {secret ? (
                <span className="text-text-3">kept sealed</span>
              ) : (
                value || <span className="text-text-3">empty</span>
              )}
            </dd>
          </div>
        ))}
      </dl>
    )}
    {accepted.length > 0 && (
      <p className="flex flex-wrap items-center gap-1.5 text-13 text-text-2">
        Ticked:{' '}
        {accepted.map((one) => (
          <Badge key={one} tone="warning">
            {one}
          </Badge>
        ))}
      </p>
    )}
    {registry && <p className="text-13 text-text-2">With credentials for {registry}.</p>}
  </div>
);

const Logs = ({ deployment: { id, containers } }: { deployment: ToolboxDeployment }) => {
  const [service, setService] = useState('');
  const logs = useOperation(
    toolboxLogs,
    { id, tail: 200, ...(service ? { service } : {}) },
    { enabled: containers.length > 0, keepPrevious: true },
  );
  if (containers.length === 0) return <p className="text-13 text-text-3">There is nothing that could say anything.</p>;
  return (
    <div className="flex flex-col gap-2">
      <div className="flex items-center gap-2">
        {containers.length > 1 && (
          <div className="w-48">
            <Select
              label="Whose logs"
              value={service || 'all'}
              onChange={(next) => setService(next === 'all' ? '' : next)}
              options={[
                { value: 'all', label: 'All containers' },
                ...containers.map((one) => ({ value: one.service, label: one.service })),
              ]}
            />
          </div>
        )}
        <IconButton label="Read again" size="small" disabled={logs.isFetching} onClick={() => void logs.refetch()}>
          <RefreshCw className={cx(logs.isFetching && 'animate-spin')} />
        </IconButton>
      </div>
      {logs.isPending ? (
        <Skeleton className="h-40 w-full" />
      ) : logs.error ? (
        <Notice tone="warning">{logs.error.message}</Notice>
      ) : (
        <div
          tabIndex={0}
          role="log"
          aria-label="Logs"
          className="max-h-[420px] overflow-auto rounded-control border border-line bg-sunken px-3 py-2 font-mono text-12 leading-5"
        >
          {logs.data.lines.length === 0 && <p className="text-text-3">Nothing was written yet.</p>}
          {logs.data.lines.map((line, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: lines have no name of their own.
            <p key={index} className="break-words whitespace-pre-wrap">
              {containers.length > 1 && !service && <span className="mr-3 text-text-3">{line.service}</span>}
              <span className={cx(line.stream === 'stderr' && 'text-warning-text')}>{line.text}</span>
            </p>
          ))}
        </div>
      )}
    </div>
  );
};

const RemoveDialog = ({
  deployment: { id, name, volumes, app },
  open,
  onClose,
}: {
  deployment: ToolboxDeployment;
  open: boolean;
  onClose: () => void;
}) => {
  const navigate = useNavigate();
  const [fate, setFate] = useState<'keep' | 'remove'>('keep');
  const remove = useOperationMutation(toolboxDelete, {
    invalidates: [...deploymentReads, 'apps.list', 'routes.list'],
    done: () => `${name} is being removed`,
    onSuccess: () => void navigate({ to: '/toolbox/installed' }),
  });
  return (
    <Dialog
      open={open}
      onOpenChange={onClose}
      title={`Remove ${name}`}
      description={`Its containers and networks go${app ? `, and so does the app ${app.name}` : ''}.`}
      width="small"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button tone="danger" busy={remove.isPending} onClick={() => remove.mutate({ id, volumes: fate })}>
            {fate === 'keep' ? 'Remove, keep data' : 'Remove with data'}
          </Button>
        </>
      }
    >
      {volumes.length > 0 && (
        <RadioGroup
          label="What happens to its data"
          value={fate}
          onChange={(next) => setFate(next as 'keep' | 'remove')}
          options={[
            {
              value: 'keep',
              label: 'Keep its data',
              hint: `An application installed as ${name} later finds ${volumes.length === 1 ? 'its volume' : `its ${volumes.length} volumes`} again.`,
            },
            { value: 'remove', label: 'Delete its data', hint: `${volumes.join(', ')}. This cannot be undone.` },
          ]}
        />
      )}
    </Dialog>
  );
};
