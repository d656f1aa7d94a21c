import { type ContainerAction, type ContainerDetails, containersGet, containersStatus } from '@atrium/protocol';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { type ReactNode, useMemo, useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { NoPermission } from '../../app/no-permission.tsx';
import { useOperation } from '../../data/operations.ts';
import { mayUse, useCan, useMe } from '../../data/session.ts';
import { Button } from '../../ui/button.tsx';
import { Chart } from '../../ui/chart.tsx';
import { CopyLine } from '../../ui/copy-line.tsx';
import { Facts } from '../../ui/facts.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { SkeletonRows } from '../../ui/skeleton.tsx';
import { useContainerActs } from './container-acts.ts';
import { StateMark } from './container-marks.tsx';
import { actionWords, kindWords, mayAct, memory, percent, portWords } from './container-words.ts';
import { ExportDialog } from './export-dialog.tsx';
import { LogViewer } from './log-viewer.tsx';
import { useStatsHistory } from './use-stats-history.ts';

const actions = ['start', 'restart', 'stop'] as const satisfies readonly ContainerAction[];

/** One container: what it is, what it uses, what it writes. */
export const ContainerPage = () => {
  const { id } = useParams({ from: '/frame/containers/$id' });
  const me = useMe();
  return mayUse(me, { permission: 'containers.read', operator: true }) ? (
    <Opened key={id} id={id} />
  ) : (
    <>
      <PageHeader title="Container" />
      <NoPermission what="containers, which are for people who run this server" permission="containers.read" />
    </>
  );
};

const Opened = ({ id }: { id: string }) => {
  const navigate = useNavigate();
  const controls = useCan('containers.control');
  const [exporting, setExporting] = useState(false);
  const acts = useContainerActs();
  const status = useOperation(containersStatus, {});
  const one = useOperation(containersGet, { id }, { refetchInterval: 5000 });
  const container = one.data;
  const may = controls && status.data?.can.control !== false;
  const back = { label: 'containers', onBack: () => void navigate({ to: '/containers' }) };
  if (!container)
    return (
      <>
        <PageHeader title="Container" back={back} />
        {one.error ? <LoadError error={one.error} retry={one.refetch} /> : <SkeletonRows rows={8} />}
      </>
    );
  return (
    <>
      <PageHeader
        title={container.name}
        back={back}
        aside={<StateMark container={container} />}
        tools={
          <Button size="small" tone="ghost" className="max-sm:hidden" onClick={() => setExporting(true)}>
            Export
          </Button>
        }
        action={
          may && (
            <span className="flex gap-1.5">
              {actions
                .filter((action) => mayAct(container, action))
                .map((action) => (
                  <Button
                    key={action}
                    size="small"
                    tone={action === 'start' ? 'primary' : 'secondary'}
                    disabled={acts.busy}
                    onClick={() => acts.act(container, action)}
                  >
                    {actionWords[action].verb}
                  </Button>
                ))}
            </span>
          )
        }
      />
      <div className="min-h-0 flex-1 overflow-y-auto xl:grid xl:grid-rows-[minmax(0,1fr)] xl:grid-cols-[minmax(380px,460px)_minmax(0,1fr)] xl:overflow-hidden">
        <div className="min-w-0 xl:overflow-y-auto xl:border-r xl:border-line">
          <About container={container} />
          <p className="px-4 pb-6 sm:hidden">
            <Button className="w-full" onClick={() => setExporting(true)}>
              Export as a compose file
            </Button>
          </p>
        </div>
        <div className="h-[70dvh] min-w-0 border-line max-xl:border-t xl:h-full">
          <LogViewer id={container.id} name={container.name} />
        </div>
      </div>
      <ExportDialog containers={exporting ? [container] : null} onClose={() => setExporting(false)} />
    </>
  );
};

const About = ({ container }: { container: ContainerDetails }) => {
  const { limits } = container;
  const running = container.state === 'running' || container.state === 'starting';
  return (
    <div className="flex flex-col gap-7 px-4 py-5 md:px-6">
      <Usage container={container} />
      <Part title="What it is">
        <Facts
          roomy
          facts={[
            { label: kindWords[container.kind], value: container.group ?? container.name },
            { label: 'Ports', value: portWords(container) || 'None' },
            {
              label: running ? 'Started' : 'Ended with',
              value: running
                ? container.started_at && <RelativeTime time={container.started_at} />
                : `code ${container.exit_code ?? '–'}`,
            },
            {
              label: container.replicas ? 'Ready' : 'Restarts by itself',
              value: container.replicas
                ? `${container.replicas.ready} of ${container.replicas.wanted}`
                : `${container.restarts}, ${(container.restart_policy ?? 'no').replaceAll('-', ' ')}`,
            },
            { label: 'Memory limit', value: limits.memory_bytes === null ? 'None' : memory(limits.memory_bytes) },
            { label: 'Processors', value: limits.cpus ?? 'All' },
          ]}
        />
        {container.app && (
          <p className="text-13 text-text-2">
            It runs{' '}
            <Link to="/routes" search={{ q: container.app.slug }} className="quiet-link">
              {container.app.name}
            </Link>
            , which is marked the moment it stops.
          </p>
        )}
      </Part>
      <Part title="Image">
        <CopyLine text={container.image} label="Copy image" />
        {container.command.length > 0 && (
          <CopyLine text={container.command.join(' ')} prompt="$" label="Copy command" />
        )}
      </Part>
      {container.environment.length > 0 && (
        <Part title="Environment">
          <Pairs
            pairs={container.environment.map(({ name, value, secret }) => ({ name, value, quiet: secret }))}
            label="Environment"
          />
        </Part>
      )}
      {container.mounts.length > 0 && (
        <Part title="Mounts">
          <Pairs
            pairs={container.mounts.map(({ source, target, kind, read_only }) => ({
              name: target,
              value: `${source || kind}${read_only ? ' (read only)' : ''}`,
            }))}
            label="Mounts"
          />
        </Part>
      )}
      {container.networks.length > 0 && (
        <Part title="Networks">
          <Pairs
            pairs={container.networks.map(({ name, address }) => ({ name, value: address ?? 'no address' }))}
            label="Networks"
          />
        </Part>
      )}
      {Object.keys(container.labels).length > 0 && (
        <Part title="Labels">
          <Pairs pairs={Object.entries(container.labels).map(([name, value]) => ({ name, value }))} label="Labels" />
        </Part>
      )}
    </div>
  );
};

const Part = ({ title, children }: { title: string; children: ReactNode }) => (
  <section aria-label={title} className="flex flex-col gap-2.5">
    <h2 className="text-13 font-medium">{title}</h2>
    {children}
  </section>
);

const Pairs = ({ pairs, label }: { pairs: { name: string; value: string; quiet?: boolean }[]; label: string }) => (
  <dl aria-label={label} className="flex flex-col divide-y divide-line rounded-card border border-line">
    {pairs.map(({ name, value, quiet }) => (
      <div key={name} className="flex flex-wrap gap-x-3 gap-y-0.5 px-3 py-2 font-mono text-12">
        <dt className="min-w-0 break-all text-text-2">{name}</dt>
        <dd className={quiet ? 'ml-auto text-text-3' : 'ml-auto min-w-0 text-right break-all text-text'}>
          {value || '–'}
        </dd>
      </div>
    ))}
  </dl>
);

const mebibyte = 2 ** 20;

const Usage = ({ container }: { container: ContainerDetails }) => {
  const history = useStatsHistory(container.id, container.state === 'running');
  const times = useMemo(() => history.map(({ at }) => Date.parse(at) / 1000), [history]);
  const cpu = useMemo(() => [{ label: 'Processor', values: history.map((one) => one.cpu_percent) }], [history]);
  const used = useMemo(
    () => [
      {
        label: 'Memory',
        tone: 'info' as const,
        values: history.map(({ memory_bytes }) => (memory_bytes === null ? null : memory_bytes / mebibyte)),
      },
    ],
    [history],
  );
  const last = history.at(-1);
  if (container.state !== 'running')
    return <p className="text-13 text-text-2">It does not run, so it uses nothing. {container.status}</p>;
  return (
    <Part title="What it uses">
      <Facts
        roomy
        facts={[
          { label: 'Processor', value: last?.cpu_percent == null ? '–' : `${percent(last.cpu_percent)} of one` },
          {
            label: 'Memory',
            value:
              last?.memory_bytes == null
                ? '–'
                : `${memory(last.memory_bytes)}${last.memory_limit_bytes === null ? '' : ` of ${memory(last.memory_limit_bytes)}`}`,
          },
        ]}
      />
      {history.length < 2 ? (
        <p className="text-12 text-text-3">Measured every two seconds; the curves begin with the next reading.</p>
      ) : (
        <>
          <Chart
            label="Processor in percent of one"
            times={times}
            series={cpu}
            unit="%"
            height={120}
            sync="container"
          />
          <Chart label="Memory in MiB" times={times} series={used} unit="MiB" height={120} sync="container" />
        </>
      )}
      {last && (
        <p className="tabular text-12 text-text-3">
          {[
            last.received_bytes !== null && `${memory(last.received_bytes)} received`,
            last.sent_bytes !== null && `${memory(last.sent_bytes)} sent`,
            last.read_bytes !== null && `${memory(last.read_bytes)} read`,
            last.written_bytes !== null && `${memory(last.written_bytes)} written`,
            last.processes !== null && `${last.processes} processes`,
          ]
            .filter(Boolean)
            .join(' · ')}
        </p>
      )}
    </Part>
  );
};
