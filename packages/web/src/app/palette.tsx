import { useNavigate } from '@tanstack/react-router';
import { Command as Cmdk } from 'cmdk';
import { ArrowRight, CornerDownLeft, SunMoon } from 'lucide-react';
import { Dialog } from 'radix-ui';
import { type ReactNode, useEffect, useMemo, useState } from 'react';
import { sayError } from '../data/client.ts';
import { savePreferences } from '../data/preferences.ts';
import { mayUse, useMe } from '../data/session.ts';
import { useExternalStore } from '../ui/external-store.ts';
import { useFormerFocus } from '../ui/former-focus.ts';
import { Kbd } from '../ui/kbd.tsx';
import { previewTheme, type ThemeChoice, themeChoice, themes } from '../ui/theme.ts';
import { toast } from '../ui/toast.tsx';
import type { ArgumentOption, Command, CommandArgument, FoundObject } from './feature.ts';
import { features } from './features.ts';
import { useNav } from './nav.ts';
import { foundPrefix, paletteScore } from './palette-score.ts';
import { paletteOpen, recentIds, recentObjects, remember, rememberObject } from './palette-store.ts';

const themeCommands: Command[] = [
  {
    id: 'theme',
    title: 'Change theme',
    group: 'View',
    icon: SunMoon,
    keywords: ['appearance', 'dark', 'light', 'colour', 'color'],
    arguments: [
      {
        name: 'theme',
        label: 'Theme',
        placeholder: 'Look at a theme by going to it',
        options: async () => [
          { value: 'system', label: 'Follow the system' },
          ...themes.map(({ id, name }) => ({ value: id, label: name, theme: id })),
        ],
        current: themeChoice.get,
        onLook: (value) => previewTheme(value as ThemeChoice | null),
      },
    ],
    run: ({ theme }) => savePreferences({ theme: theme as ThemeChoice }),
  },
  {
    id: 'theme.system',
    title: 'Theme: follow the system',
    group: 'View',
    icon: SunMoon,
    keywords: ['appearance', 'dark', 'light'],
    run: () => savePreferences({ theme: 'system' }),
  },
  ...themes.map((theme) => ({
    id: `theme.${theme.id}`,
    title: `Theme: ${theme.name}`,
    group: 'View',
    icon: SunMoon,
    keywords: ['appearance', 'colour', 'color'],
    run: () => savePreferences({ theme: theme.id }),
  })),
];

const rowClass =
  'flex h-10 items-center gap-3 rounded-control px-3 text-14 text-text select-none data-[selected=true]:bg-active touch:h-12 [&>svg]:size-4 [&>svg]:shrink-0 [&>svg]:text-text-3 [&[data-selected=true]>svg]:text-text-2';
const groupClass =
  '[&_[cmdk-group-heading]]:px-3 [&_[cmdk-group-heading]]:pt-3 [&_[cmdk-group-heading]]:pb-1.5 [&_[cmdk-group-heading]]:text-12 [&_[cmdk-group-heading]]:text-text-3';

/** Ctrl/Cmd+K: places, operations, objects by name, recent ones first; arguments are asked in place. */
export const Palette = () => {
  const open = useExternalStore(paletteOpen);
  const onCloseAutoFocus = useFormerFocus(open);
  return (
    <Dialog.Root open={open} onOpenChange={paletteOpen.set}>
      <Dialog.Portal>
        <Dialog.Overlay className="fixed inset-0 z-40 bg-scrim data-[state=closed]:animate-fade-out data-[state=open]:animate-fade-in" />
        <Dialog.Content
          aria-describedby={undefined}
          onCloseAutoFocus={onCloseAutoFocus}
          className="fixed inset-x-0 top-0 z-40 mx-auto flex max-h-[100dvh] w-full max-w-[640px] flex-col overflow-hidden bg-raised shadow-float outline-none data-[state=closed]:animate-dialog-out data-[state=open]:animate-dialog-in max-md:h-[100dvh] md:top-[14vh] md:rounded-dialog"
        >
          <Dialog.Title className="sr-only">Search and commands</Dialog.Title>
          <PaletteBody close={() => paletteOpen.set(false)} />
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
};

/** An app has a tab of its own; everything else is a page of this one. */
const leadsOut = /^(?:https?:|\/apps\/)/;

const useCommands = (): Command[] => {
  const me = useMe();
  const nav = useNav();
  return useMemo(() => {
    const places = nav.map(
      (entry): Command => ({
        id: `go:${entry.to}`,
        title: entry.label,
        group: 'Go to',
        icon: entry.icon,
        keys: entry.keys,
        keywords: ['go', 'open'],
        run: (_values, go) => go(entry.to),
      }),
    );
    const own = features.flatMap((feature) => feature.commands ?? []).filter((command) => mayUse(me, command));
    return [...places, ...own, ...themeCommands];
  }, [nav, me]);
};

const PaletteBody = ({ close }: { close: () => void }) => {
  const [text, setText] = useState('');
  const [asking, setAsking] = useState<{ command: Command; values: Record<string, string> } | null>(null);
  const commands = useCommands();
  const navigate = useNavigate();
  const found = useObjects(asking ? '' : text);
  // By href: a command may carry a search, which `to` does not read.
  const go = (to: string) => {
    if (leadsOut.test(to)) window.open(to, '_blank', 'noopener');
    else void navigate({ href: to });
  };

  const finish = async (command: Command, values: Record<string, string>) => {
    remember(command.id);
    close();
    try {
      await command.run(values, go);
    } catch (error) {
      toast({ title: sayError(error), tone: 'danger' });
    }
  };
  const choose = (command: Command) => {
    if (!command.arguments?.length) return void finish(command, {});
    setAsking({ command, values: {} });
    setText('');
  };
  const openObject = (object: { id: string; label: string; to: string }) => {
    rememberObject(object);
    close();
    go(object.to);
  };

  if (asking) {
    const argument = asking.command.arguments!.find((candidate) => !(candidate.name in asking.values))!;
    return (
      <ArgumentStep
        key={argument.name}
        command={asking.command}
        argument={argument}
        onBack={() => setAsking(null)}
        onValue={(value) => {
          const values = { ...asking.values, [argument.name]: value };
          if (asking.command.arguments!.every(({ name }) => name in values)) void finish(asking.command, values);
          else setAsking({ ...asking, values });
        }}
      />
    );
  }

  const recent = recentIds();
  const objects = recentObjects();
  const groups = [...new Set(commands.map((command) => command.group))];
  // The best answer comes first and is what Enter takes; the list itself orders within a group alone.
  const sections: { key: string; heading: string; score: number; rows: ReactNode }[] = [
    ...found.map(({ heading, objects: hits }) => ({
      key: `${foundPrefix}${heading}`,
      heading,
      score: paletteScore(foundPrefix, text),
      rows: hits.map((object) => (
        <ObjectRow
          key={object.id}
          object={object}
          value={`${foundPrefix}${object.id}`}
          onSelect={() => openObject(object)}
        />
      )),
    })),
    ...groups.map((group) => {
      const members = commands.filter(
        (command) => command.group === group && (text !== '' || group !== 'View' || command.id === 'theme'),
      );
      return {
        key: group,
        heading: group,
        score: Math.max(...members.map((command) => paletteScore(command.title, text, keywordsOf(command)))),
        rows: members.map((command) => (
          <CommandRow key={command.id} command={command} value={command.title} onSelect={() => choose(command)} />
        )),
      };
    }),
  ];
  return (
    <Cmdk label="Search and commands" loop filter={paletteScore} className="flex min-h-0 flex-col">
      <SearchLine value={text} onChange={setText} placeholder="Search or run a command" />
      <Cmdk.List className="min-h-0 flex-1 overflow-y-auto overscroll-contain p-2 pt-0 md:max-h-[420px]">
        <Cmdk.Empty className="px-3 py-12 text-center text-14 text-text-3">Nothing is called “{text}”.</Cmdk.Empty>
        {text === '' && recent.length > 0 && (
          <Cmdk.Group heading="Recent" className={groupClass}>
            {recent.map((id) => {
              const command = commands.find((candidate) => candidate.id === id);
              if (command)
                return (
                  <CommandRow key={id} command={command} value={`recent ${id}`} onSelect={() => choose(command)} />
                );
              const object = objects.find((candidate) => candidate.id === id);
              return (
                object && (
                  <ObjectRow key={id} object={object} value={`recent ${id}`} onSelect={() => openObject(object)} />
                )
              );
            })}
          </Cmdk.Group>
        )}
        {sections
          .toSorted((a, b) => b.score - a.score)
          .map(({ key, heading, rows }) => (
            <Cmdk.Group key={key} heading={heading} className={groupClass}>
              {rows}
            </Cmdk.Group>
          ))}
      </Cmdk.List>
      <Foot>
        <Hint keys="up down">move</Hint>
        <Hint keys="enter">choose</Hint>
        <Hint keys="escape">close</Hint>
      </Foot>
    </Cmdk>
  );
};

/** Objects that match, from every feature; each source answers on its own time. */
const useObjects = (text: string): { heading: string; objects: FoundObject[] }[] => {
  const me = useMe();
  const [found, setFound] = useState<Record<string, { heading: string; objects: FoundObject[] }>>({});
  useEffect(() => {
    const wanted = text.trim();
    if (wanted.length < 2) {
      setFound({});
      return;
    }
    const abort = new AbortController();
    const timer = setTimeout(() => {
      for (const source of features.flatMap((feature) => feature.searches ?? [])) {
        if (!mayUse(me, source)) continue;
        source.search(wanted, abort.signal).then(
          (objects) =>
            !abort.signal.aborted &&
            setFound((current) => ({ ...current, [source.id]: { heading: source.heading, objects } })),
          // One source that fails leaves the others useful.
          () => undefined,
        );
      }
    }, 120);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [text, me]);
  return Object.values(found).filter(({ objects }) => objects.length > 0);
};

const ArgumentStep = ({
  command,
  argument,
  onBack,
  onValue,
}: {
  command: Command;
  argument: CommandArgument;
  onBack: () => void;
  onValue: (value: string) => void;
}) => {
  const [text, setText] = useState('');
  const [options, setOptions] = useState<ArgumentOption[] | null>(null);
  const { onLook } = argument;
  const [looked, setLooked] = useState(argument.current?.() ?? '');
  useEffect(() => () => onLook?.(null), [onLook]);
  useEffect(() => {
    let live = true;
    argument.options?.().then(
      (loaded) => live && setOptions(loaded),
      (error: unknown) => toast({ title: sayError(error), tone: 'danger' }),
    );
    return () => {
      live = false;
    };
  }, [argument]);
  return (
    <Cmdk
      label={argument.label}
      {...(onLook && {
        value: looked,
        onValueChange: (next: string) => {
          setLooked(next);
          onLook(next);
        },
      })}
      className="flex min-h-0 flex-col"
      onKeyDown={(event) => {
        if (event.key === 'Escape' || (event.key === 'Backspace' && text === '')) {
          event.preventDefault();
          event.stopPropagation();
          onBack();
        } else if (event.key === 'Enter' && !argument.options && text.trim()) {
          event.preventDefault();
          onValue(text.trim());
        }
      }}
    >
      <p className="flex items-center gap-1.5 px-5 pt-3 text-12 text-text-3">
        {command.title} <ArrowRight aria-hidden className="size-3" /> {argument.label}
      </p>
      <SearchLine value={text} onChange={setText} placeholder={argument.placeholder ?? argument.label} />
      <Cmdk.List className="min-h-0 flex-1 overflow-y-auto p-2 md:max-h-[420px]">
        {argument.options ? (
          <>
            <Cmdk.Empty className="px-3 py-8 text-center text-14 text-text-3">
              {options ? 'Nothing matches.' : 'Loading'}
            </Cmdk.Empty>
            {options?.map((option) => (
              <Cmdk.Item
                key={option.value}
                value={option.value}
                keywords={[option.label]}
                onSelect={() => onValue(option.value)}
                className={rowClass}
              >
                {option.theme && <Swatch theme={option.theme} />}
                {option.label}
              </Cmdk.Item>
            ))}
          </>
        ) : (
          <Cmdk.Item forceMount disabled={!text.trim()} onSelect={() => onValue(text.trim())} className={rowClass}>
            <CornerDownLeft aria-hidden /> {text.trim() ? `Use “${text.trim()}”` : 'Type a value'}
          </Cmdk.Item>
        )}
      </Cmdk.List>
      <Foot>
        <Hint keys="enter">go on</Hint>
        <Hint keys="escape">back</Hint>
      </Foot>
    </Cmdk>
  );
};

/** Plane, text and accent of a theme. */
const Swatch = ({ theme }: { theme: string }) => (
  <span
    aria-hidden
    data-theme={theme}
    className="flex h-5 w-8 shrink-0 items-center gap-1 rounded-[4px] bg-surface px-1 shadow-[inset_0_0_0_1px_var(--line-strong)]"
  >
    <span className="h-0.5 flex-1 rounded-full bg-text" />
    <span className="size-2 rounded-full bg-accent" />
  </span>
);

const SearchLine = ({
  value,
  onChange,
  placeholder,
}: {
  value: string;
  onChange: (text: string) => void;
  placeholder: string;
}) => (
  <div className="flex shrink-0 items-center border-b border-line pr-2">
    <Cmdk.Input
      autoFocus
      value={value}
      onValueChange={onChange}
      placeholder={placeholder}
      className="h-14 min-w-0 flex-1 bg-transparent px-5 text-16 text-text outline-none placeholder:text-text-3"
    />
    <Dialog.Close className="h-9 rounded-control px-3 text-14 text-text-2 md:hidden">Cancel</Dialog.Close>
  </div>
);

const keywordsOf = (command: Command): string[] => [command.title, ...(command.keywords ?? [])];

const CommandRow = ({ command, value, onSelect }: { command: Command; value: string; onSelect: () => void }) => {
  const Icon = command.icon ?? ArrowRight;
  return (
    <Cmdk.Item value={value} keywords={keywordsOf(command)} onSelect={onSelect} className={rowClass}>
      <Icon aria-hidden strokeWidth={1.75} />
      <span className="min-w-0 flex-1 truncate">
        {command.title}
        {command.arguments?.length ? <span className="text-text-3"> …</span> : null}
      </span>
      {command.keys && <Kbd keys={command.keys} />}
    </Cmdk.Item>
  );
};

const ObjectRow = ({
  object,
  value,
  onSelect,
}: {
  object: { label: string; hint?: string; icon?: FoundObject['icon'] };
  value: string;
  onSelect: () => void;
}) => {
  const Icon = object.icon ?? ArrowRight;
  return (
    <Cmdk.Item value={value} keywords={[object.label]} onSelect={onSelect} className={rowClass}>
      <Icon aria-hidden strokeWidth={1.75} />
      <span dir="auto" className="min-w-0 flex-1 truncate text-start">
        {object.label}
      </span>
      {object.hint && <span className="shrink-0 text-12 text-text-3">{object.hint}</span>}
    </Cmdk.Item>
  );
};

const Foot = ({ children }: { children: ReactNode }) => (
  <footer className="hidden h-9 shrink-0 items-center gap-4 border-t border-line px-4 text-12 text-text-3 md:flex">
    {children}
  </footer>
);

const Hint = ({ keys, children }: { keys: string; children: ReactNode }) => (
  <span className="inline-flex items-center gap-1.5">
    <Kbd keys={keys} /> {children}
  </span>
);
