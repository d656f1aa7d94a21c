import { orgsUsage } from '@atrium/protocol';
import { LoadError } from '../../app/load-error.tsx';
import { NoPermission } from '../../app/no-permission.tsx';
import { useOperation } from '../../data/operations.ts';
import { useCan } from '../../data/session.ts';
import { cx } from '../../ui/class-names.ts';
import { Section, Sections } from '../../ui/section.tsx';
import { SkeletonRows } from '../../ui/skeleton.tsx';
import { SettingsBody } from './settings-header.tsx';
import { type Meter, metersOf, shareOf, type Usage } from './usage-words.ts';

export const UsagePage = () => {
  const may = useCan('org.manage');
  const query = useOperation(orgsUsage, {}, { enabled: may });
  return (
    <SettingsBody title="Usage">
      {!may ? (
        <NoPermission what="usage" permission="org.manage" />
      ) : query.error ? (
        <LoadError error={query.error} retry={query.refetch} />
      ) : query.data ? (
        <Meters usage={query.data} />
      ) : (
        <SkeletonRows rows={5} tall />
      )}
    </SettingsBody>
  );
};

const Meters = ({ usage }: { usage: Usage }) => (
  <Sections>
    <Section
      title="Plan"
      lead={
        usage.plan === 'unlimited'
          ? 'This server sets no limits. What is counted is for your information.'
          : 'What the plan allows and what is used of it. At a limit new ones are refused; nothing is lost.'
      }
    >
      <p className="mb-5 text-20 font-semibold capitalize">{usage.plan}</p>
      <ul className="divide-y divide-line border-y border-line">
        {metersOf(usage).map((meter) => (
          <li key={meter.id} className="py-3.5">
            <MeterRow meter={meter} />
          </li>
        ))}
      </ul>
    </Section>
  </Sections>
);

const MeterRow = ({ meter }: { meter: Meter }) => {
  const share = shareOf(meter);
  const tone = share === null ? '' : share >= 1 ? 'bg-danger' : share >= 0.85 ? 'bg-warning' : 'bg-accent';
  return (
    <>
      <div className="flex items-baseline justify-between gap-4">
        <span className="text-14">{meter.label}</span>
        <span className="tabular text-14 font-medium">
          {meter.say(meter.used)}
          <span className="font-normal text-text-3">
            {meter.limit === null ? ' · no limit' : ` of ${meter.say(meter.limit)}`}
          </span>
        </span>
      </div>
      {share !== null && (
        // biome-ignore lint/a11y/useSemanticElements: a <meter> cannot be drawn alike in every browser.
        <div
          role="meter"
          aria-label={meter.label}
          aria-valuenow={meter.used}
          aria-valuemin={0}
          aria-valuemax={Math.max(meter.used, meter.limit ?? 0)}
          aria-valuetext={`${meter.say(meter.used)} of ${meter.say(meter.limit!)}`}
          className="mt-2 h-1.5 overflow-hidden rounded-full bg-active"
        >
          <span className={cx('block h-full rounded-full', tone)} style={{ width: `${share * 100}%` }} />
        </div>
      )}
      {share !== null && share >= 1 && (
        <p className="mt-1.5 text-13 text-danger-text">The limit is reached. New ones are refused.</p>
      )}
    </>
  );
};
