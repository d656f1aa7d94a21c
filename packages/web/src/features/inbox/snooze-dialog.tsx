// biome-ignore-all lint/a11y/noStaticElementInteractions: number keys are one more way to the buttons inside.
import type { ItemView } from '@atrium/protocol';
import { useEffect, useRef, useState } from 'react';
import { Button } from '../../ui/button.tsx';
import { DateTimePicker } from '../../ui/date-time-picker.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { createExternalStore, useExternalStore } from '../../ui/external-store.ts';
import { Kbd } from '../../ui/kbd.tsx';
import { moments } from '../../ui/local-time.ts';
import { actOnAll, snooze } from './item-acts.ts';

const snoozing = createExternalStore<readonly ItemView[]>([]);

/** Asks until when; from a key, a swipe, a menu or the bulk bar alike. */
export const askSnooze = (items: readonly ItemView[]): void =>
  snoozing.set(items.filter((item) => item.status === 'open'));

const clock = new Intl.DateTimeFormat('en-GB', {
  weekday: 'short',
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
});

export const SnoozeDialog = () => {
  const items = useExternalStore(snoozing);
  const close = () => snoozing.set([]);
  const choose = (until: string) => {
    close();
    const only = items.length === 1 ? items[0] : undefined;
    if (only) snooze(only, until);
    else
      void actOnAll(items, {
        op: 'snooze',
        args: { until },
        said: `Snoozed ${items.length}`,
        change: (item) => ({ ...item, snoozed_until: until }),
        opposite: 'unsnooze',
      });
  };
  return (
    <Dialog
      open={items.length > 0}
      onOpenChange={(open) => !open && close()}
      title={items.length > 1 ? `Snooze ${items.length} items until` : 'Snooze until'}
      width="small"
    >
      {items.length > 0 && <Choices onChoose={choose} />}
    </Dialog>
  );
};

const Choices = ({ onChoose }: { onChoose: (until: string) => void }) => {
  const [own, setOwn] = useState<string | null>(null);
  const [now] = useState(() => new Date());
  const choices = moments(now);
  const first = useRef<HTMLButtonElement>(null);
  // The dialog would put the focus on its cross.
  useEffect(() => first.current?.focus(), []);
  return (
    <div
      className="flex flex-col gap-4"
      onKeyDown={(event) => {
        const choice = choices[Number(event.key) - 1];
        if (choice && !(event.target instanceof HTMLInputElement)) onChoose(choice.time);
      }}
    >
      <ul className="-mx-2">
        {choices.map((choice, index) => (
          <li key={choice.label}>
            <button
              type="button"
              ref={index === 0 ? first : undefined}
              onClick={() => onChoose(choice.time)}
              className="-outline-offset-2 flex h-10 w-full items-center gap-3 rounded-control px-2 text-14 text-text hover:bg-hover touch:h-12"
            >
              <span className="flex-1 text-left">{choice.label}</span>
              <span className="tabular text-13 text-text-3">{clock.format(Date.parse(choice.time))}</span>
              <Kbd keys={String(index + 1)} />
            </button>
          </li>
        ))}
      </ul>
      <form
        className="flex flex-col gap-3 border-t border-line pt-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (own) onChoose(own);
        }}
      >
        <DateTimePicker label="Another time" value={own} onChange={setOwn} min={now.toISOString()} />
        <Button type="submit" tone="primary" disabled={!own || Date.parse(own) <= Date.now()}>
          Snooze
        </Button>
      </form>
    </div>
  );
};
