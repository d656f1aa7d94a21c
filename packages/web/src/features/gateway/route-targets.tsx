import { appsHealth, type OutputOf } from '@atrium/protocol';
import { Plus, X } from 'lucide-react';
import { useOperation } from '../../data/operations.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { FormField } from '../../ui/form-field.tsx';
import { Input } from '../../ui/input.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { Select } from '../../ui/select.tsx';
import { type Strategy, strategyWords } from './gateway-words.ts';
import { HealthMark } from './health-mark.tsx';
import type { RouteDraft } from './route-draft.ts';

type Targets = RouteDraft['targets'];
type TargetHealth = OutputOf<typeof appsHealth>['targets'][number];

const strategies = (Object.keys(strategyWords) as Strategy[]).map((value) => ({ value, label: strategyWords[value] }));

/** The addresses behind a route, how each is, and how one of them is chosen. */
export const TargetsEditor = ({
  draft,
  onChange,
  health,
  errorOf,
}: {
  draft: Pick<RouteDraft, 'targets' | 'strategy' | 'stream'>;
  onChange: (change: Partial<RouteDraft>) => void;
  health: readonly TargetHealth[];
  errorOf: (path: string) => string | undefined;
}) => {
  const { targets } = draft;
  const set = (index: number, change: Partial<Targets[number]>) =>
    onChange({ targets: targets.map((target, at) => (at === index ? { ...target, ...change } : target)) });
  const several = targets.length > 1;
  return (
    <div className="flex flex-col gap-4">
      <ul aria-label="Targets" className="flex flex-col gap-3">
        {targets.map((target, index) => {
          const own = health.find(({ url }) => url.replace(/\/$/, '') === target.url.replace(/\/$/, ''));
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: a target has no identity but its place.
            <li key={index} className="flex flex-col gap-1">
              <div className="flex items-end gap-2">
                <FormField
                  label={several ? `Target ${index + 1}` : 'Target'}
                  className="min-w-0 flex-1"
                  error={errorOf(`targets.${index}`)}
                >
                  <Input
                    name={`target-${index}`}
                    required
                    inputMode="url"
                    spellCheck={false}
                    autoCapitalize="off"
                    className="font-mono text-13"
                    placeholder={
                      draft.stream ? `${draft.stream.protocol}://192.168.1.7:5432` : 'http://192.168.1.7:8096'
                    }
                    value={target.url}
                    onChange={(event) => set(index, { url: event.target.value })}
                  />
                </FormField>
                {several && (
                  <FormField label="Weight" className="w-20 shrink-0">
                    <Input
                      type="number"
                      min={0}
                      max={1000}
                      required
                      className="tabular"
                      value={target.weight}
                      onChange={(event) => set(index, { weight: Number(event.target.value) })}
                    />
                  </FormField>
                )}
                <IconButton
                  label={`Remove target ${index + 1}`}
                  onClick={() => onChange({ targets: targets.filter((_, at) => at !== index) })}
                >
                  <X />
                </IconButton>
              </div>
              {own && (
                <p className="flex flex-wrap items-center gap-x-3 text-12 text-text-3">
                  <HealthMark status={own.status} latency={own.latency_ms} />
                  {own.checked_at && (
                    <span>
                      checked <RelativeTime time={own.checked_at} />
                    </span>
                  )}
                  {own.status !== 'healthy' && own.last_error && (
                    <span dir="auto" className="text-danger-text">
                      {own.last_error}
                      {own.consecutive_failures > 1 && `, ${own.consecutive_failures} times in a row`}
                    </span>
                  )}
                </p>
              )}
            </li>
          );
        })}
      </ul>
      <div className="flex flex-wrap items-end justify-between gap-3">
        <Button
          size="small"
          icon={<Plus aria-hidden className="size-4" />}
          disabled={targets.length >= 50}
          onClick={() =>
            onChange({ targets: [...targets, { url: draft.stream ? `${draft.stream.protocol}://` : '', weight: 1 }] })
          }
        >
          Add target
        </Button>
        {several && (
          <FormField label="Choice of target" className="w-56 max-sm:w-full">
            <Select
              value={draft.strategy}
              onChange={(strategy) => onChange({ strategy: strategy as Strategy })}
              // A stream has no cookie by which a visitor would be known again.
              options={draft.stream ? strategies.filter(({ value }) => value !== 'sticky') : strategies}
            />
          </FormField>
        )}
      </div>
    </div>
  );
};

/** How the targets of one route are, by the health of its app. */
export const useTargetHealth = (app: string, routeId: string): readonly TargetHealth[] =>
  (useOperation(appsHealth, { slug: app }).data?.targets ?? []).filter(({ route_id }) => route_id === routeId);
