import { useId } from 'react';
import { savePreferences } from '../../data/preferences.ts';
import { cx } from '../../ui/class-names.ts';
import { Combobox } from '../../ui/combobox.tsx';
import { useConfirmations } from '../../ui/confirmations.ts';
import { useMedia } from '../../ui/media.ts';
import { useNow } from '../../ui/now.ts';
import { Segmented } from '../../ui/tabs.tsx';
import {
  type Density,
  type FontSize,
  type ThemeChoice,
  type ThemeId,
  themes,
  useDensity,
  useFontSize,
  useScanLines,
  useThemeChoice,
} from '../../ui/theme.ts';
import { exactTime, useTimeZone } from '../../ui/time-format.ts';
import { Switch } from '../../ui/toggles.tsx';
import { SettingsHeader } from '../settings/settings-header.tsx';

const zones = Intl.supportedValuesOf('timeZone').map((zone) => ({ value: zone, label: zone.replaceAll('_', ' ') }));
const ownZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

export const PreferencesPage = () => {
  const density = useDensity();
  const size = useFontSize();
  const scanLines = useScanLines();
  const confirmations = useConfirmations();
  const still = useMedia('(prefers-reduced-motion: reduce)');
  const zone = useTimeZone();
  const now = useNow();
  return (
    <div className="min-h-0 flex-1 overflow-y-auto">
      <SettingsHeader title="Preferences" />
      <div className="flex max-w-[1120px] flex-col divide-y divide-line px-4 md:px-6">
        <Section title="Theme" lead="System follows the light and dark setting of this device.">
          <ThemeGrid />
          <div className="mt-6 max-w-[420px]">
            <Switch
              label="Scan lines"
              hint={
                still
                  ? 'Off while this device asks for less motion, whatever is chosen here.'
                  : 'The lines of a picture tube, in any theme.'
              }
              checked={scanLines}
              onChange={(scan_lines) => void savePreferences({ scan_lines })}
            />
          </div>
        </Section>
        <Section title="Text size" lead="On top of what your browser does.">
          <Segmented<FontSize>
            label="Text size"
            value={size}
            onChange={(font_size) => void savePreferences({ font_size })}
            options={[
              { value: 'small', label: 'Small' },
              { value: 'medium', label: 'Medium' },
              { value: 'large', label: 'Large' },
              { value: 'largest', label: 'Largest' },
            ]}
          />
        </Section>
        <Section title="Density" lead="Dense shows more rows. On touch screens rows keep the size of a finger.">
          <Segmented<Density>
            label="Density"
            value={density}
            onChange={(next) => void savePreferences({ density: next })}
            options={[
              { value: 'comfortable', label: 'Comfortable' },
              { value: 'dense', label: 'Dense' },
            ]}
          />
        </Section>
        <Section title="Time zone" lead={`Exact times show in this zone: ${exactTime(now, zone)}.`}>
          <div className="max-w-[360px]">
            <Combobox
              label="Time zone"
              options={[{ value: 'browser', label: `This device (${ownZone.replaceAll('_', ' ')})` }, ...zones]}
              value={[zone || 'browser']}
              searchPlaceholder="Search a city or region"
              onChange={([next]) => void savePreferences({ time_zone: !next || next === 'browser' ? null : next })}
            />
          </div>
        </Section>
        <Section title="Questions" lead="What cannot be had again always asks for its name.">
          <div className="max-w-[420px]">
            <Switch
              label="Ask before something ends"
              hint="Such as stopping a container or revoking a token"
              checked={confirmations}
              onChange={(next) => void savePreferences({ confirmations: next })}
            />
          </div>
        </Section>
      </div>
    </div>
  );
};

const Section = ({ title, lead, children }: { title: string; lead: string; children: React.ReactNode }) => {
  const id = useId();
  return (
    <section aria-labelledby={id} className="grid gap-x-10 gap-y-4 py-8 lg:grid-cols-[240px_minmax(0,1fr)]">
      <div>
        <h2 id={id} className="text-14 font-semibold">
          {title}
        </h2>
        <p className="mt-0.5 text-13 text-pretty text-text-2">{lead}</p>
      </div>
      <div>{children}</div>
    </section>
  );
};

const ThemeGrid = () => {
  const chosen = useThemeChoice();
  const name = useId();
  const choices: { id: ThemeChoice; name: string; previews: ThemeId[] }[] = [
    { id: 'system', name: 'System', previews: ['daylight', 'night'] },
    ...themes.map((theme) => ({ id: theme.id, name: theme.name, previews: [theme.id] })),
  ];
  return (
    <fieldset className="grid grid-cols-2 gap-3 sm:grid-cols-3 xl:grid-cols-5">
      <legend className="sr-only">Theme</legend>
      {choices.map((choice) => (
        <label key={choice.id} className="group flex flex-col gap-2">
          <input
            type="radio"
            name={name}
            value={choice.id}
            checked={chosen === choice.id}
            onChange={() => void savePreferences({ theme: choice.id })}
            className="peer sr-only"
          />
          <span
            className={cx(
              'flex overflow-hidden rounded-card outline-2 outline-offset-2 outline-transparent transition-[outline-color] peer-checked:outline-accent peer-focus-visible:outline-focus',
              'shadow-[0_0_0_1px_var(--line-strong)] group-hover:shadow-[0_0_0_1px_var(--control)]',
            )}
          >
            {choice.previews.map((theme, index) => (
              <ThemePreview
                key={theme}
                theme={theme}
                half={choice.previews.length > 1 ? (index === 0 ? 'left' : 'right') : undefined}
              />
            ))}
          </span>
          <span className={cx('text-13', chosen === choice.id ? 'font-medium text-text' : 'text-text-2')}>
            {choice.name}
          </span>
        </label>
      ))}
    </fieldset>
  );
};

/** A page of Atrium in little, in that theme's own colours. */
const ThemePreview = ({ theme, half }: { theme: ThemeId; half: 'left' | 'right' | undefined }) => (
  <span aria-hidden data-theme={theme} className={cx('flex h-[88px] overflow-hidden bg-bg', half ? 'w-1/2' : 'w-full')}>
    {half !== 'right' && (
      <span className="flex w-1/4 shrink-0 flex-col gap-1.5 border-r border-line p-2">
        <span className="mb-1 size-2.5 rounded-[3px] bg-accent" />
        <Bar className="w-full bg-text-3" />
        <Bar className="w-3/4 bg-text-3" />
        <Bar className="w-4/5 bg-text-3" />
      </span>
    )}
    <span className="flex min-w-0 flex-1 flex-col bg-surface">
      <span className="border-b border-line p-2">
        <Bar className="w-2/5 bg-text" />
      </span>
      {(['bg-warning', 'bg-info', 'bg-success'] as const).map((level, index) => (
        <span
          key={level}
          className={cx(
            'relative flex items-center gap-2 border-b border-line py-[5px] pr-2 pl-2.5',
            index === 0 && 'bg-active',
          )}
        >
          <span className={cx('absolute inset-y-1 left-0.5 w-0.5 rounded-full', level)} />
          <Bar className={cx('bg-text-2', ['w-3/5', 'w-2/5', 'w-1/2'][index])} />
        </span>
      ))}
      <span className="mt-auto mb-2 ml-auto mr-2 h-3 w-8 rounded-[3px] bg-accent" />
    </span>
  </span>
);

const Bar = ({ className }: { className?: string | undefined }) => (
  <span className={cx('block h-1 rounded-full', className)} />
);
