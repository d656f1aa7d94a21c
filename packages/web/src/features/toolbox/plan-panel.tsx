import type { ToolboxDanger, ToolboxPlan } from '@atrium/protocol';
import type { ReactNode } from 'react';
import { Checkbox } from '../../ui/toggles.tsx';

const Part = ({ title, children }: { title: string; children: ReactNode }) => (
  <div>
    <h3 className="text-12 text-text-3">{title}</h3>
    <ul className="mt-1 flex flex-col gap-1 text-13 text-text">{children}</ul>
  </div>
);

/** What an installation makes on this machine. */
export const PlanPanel = ({ plan, app }: { plan: ToolboxPlan; app: boolean }) => (
  <div className="flex flex-col gap-4">
    <Part title={plan.services.length === 1 ? 'One container' : `${plan.services.length} containers, in this order`}>
      {plan.services.map(({ container, image, after }) => (
        <li key={container} className="min-w-0">
          <code className="block truncate text-12">{container}</code>
          <span className="block truncate text-12 text-text-3">
            {image}
            {after.length > 0 && ` · after ${after.join(', ')}`}
          </span>
        </li>
      ))}
    </Part>
    {plan.volumes.length > 0 && (
      <Part title="Volumes for its data">
        {plan.volumes.map(({ name, exists }) => (
          <li key={name} className="flex min-w-0 items-baseline gap-2">
            <code className="truncate text-12">{name}</code>
            {exists && <span className="shrink-0 text-12 text-warning-text">is there, with data</span>}
          </li>
        ))}
      </Part>
    )}
    {plan.ports.length > 0 && (
      <Part title="Ports, on 127.0.0.1 alone">
        {plan.ports.map(({ service, container_port, host_port, protocol }) => (
          <li key={`${service} ${container_port} ${protocol}`} className="tabular flex gap-2 text-13">
            <span>{host_port ?? 'a free one'}</span>
            <span className="text-text-3">
              to {service} {container_port}
              {protocol === 'udp' && '/udp'}
            </span>
          </li>
        ))}
      </Part>
    )}
    <Part title="How people get in">
      <li className="text-13 text-pretty">
        {plan.route === null
          ? 'By no page: nothing in it answers HTTP.'
          : app
            ? `As the app ${plan.route.slug}, for everybody who is signed in.`
            : 'Not through Atrium: no app is made.'}
      </li>
    </Part>
  </div>
);

/** What has to be ticked one by one, in words. */
export const Dangers = ({
  dangers,
  ticked,
  onChange,
  operator,
}: {
  dangers: readonly ToolboxDanger[];
  ticked: readonly string[];
  onChange: (ticked: string[]) => void;
  operator: boolean;
}) => (
  <fieldset className="rounded-card border border-warning-line bg-warning-soft px-4 py-3">
    <legend className="sr-only">What it may do to this machine</legend>
    <p className="text-13 font-medium text-text">It reaches out of its box</p>
    <p className="mb-2 text-13 text-text-2">
      {operator ? 'Tick each of these if you want it.' : 'Only a person who runs this server allows that.'}
    </p>
    {dangers.map(({ id, service, words }) => (
      <Checkbox
        key={id}
        checked={ticked.includes(id)}
        disabled={!operator}
        onChange={(on) => onChange(on ? [...ticked, id] : ticked.filter((one) => one !== id))}
        label={
          <>
            <code className="text-12">{service}</code> {words}
          </>
        }
      />
    ))}
  </fieldset>
);
