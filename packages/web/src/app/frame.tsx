import { Outlet, useMatches, useNavigate } from '@tanstack/react-router';
import { Suspense, useEffect, useLayoutEffect } from 'react';
import { onSignedOut } from '../data/client.ts';
import { connectLive, useConnectionState } from '../data/live.ts';
import { useAccountPreferences } from '../data/preferences.ts';
import { forgetSession } from '../data/session.ts';
import { usePhone } from '../ui/media.ts';
import { ShortcutSheet, startShortcuts, useShortcut } from '../ui/shortcuts.tsx';
import { BottomBar } from './bottom-bar.tsx';
import { features } from './features.ts';
import { useNav } from './nav.ts';
import { Palette } from './palette.tsx';
import { openPalette } from './palette-store.ts';
import { Rail } from './rail.tsx';

let listening = false;

/** Rail (or bottom bar), content, palette, shortcuts, the one connection. */
export const Frame = () => {
  const phone = usePhone();
  const bare = useMatches({ select: (matches) => matches.some((match) => match.staticData.bare) });
  useSession();
  useAccountPreferences();
  useLayoutEffect(startShortcuts, []);
  useShortcut('mod+k', 'Search and commands', () => openPalette(), { group: 'Everywhere' });
  return (
    <div className="flex h-full flex-col bg-bg md:flex-row">
      <a
        href="#content"
        className="sr-only z-50 rounded-control bg-accent px-3 py-2 text-14 font-medium text-on-accent focus:not-sr-only focus:fixed focus:top-2 focus:left-2"
      >
        Skip to content
      </a>
      <ConnectionLine />
      <NavShortcuts />
      {!phone && !bare && <Rail />}
      <main
        id="content"
        tabIndex={-1}
        className="flex min-h-0 min-w-0 flex-1 flex-col overflow-hidden bg-surface outline-none"
      >
        <Outlet />
      </main>
      {phone && !bare && <BottomBar />}
      <Palette />
      <ShortcutSheet />
      <Suspense>{features.map(({ overlay: Overlay }, index) => Overlay && <Overlay key={String(index)} />)}</Suspense>
    </div>
  );
};

const useSession = (): void => {
  useEffect(() => {
    const leave = () => {
      forgetSession();
      location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
    };
    onSignedOut(leave);
    if (!listening) for (const feature of features) feature.listen?.();
    listening = true;
    connectLive(leave);
    return () => onSignedOut(() => undefined);
  }, []);
};

const NavShortcuts = () => {
  const navigate = useNavigate();
  return useNav().map((entry) => (
    <NavShortcut
      key={entry.to}
      keys={entry.keys}
      label={`Go to ${entry.label.toLowerCase()}`}
      run={() => navigate({ to: entry.to })}
    />
  ));
};

const NavShortcut = ({ keys, label, run }: { keys: string; label: string; run: () => void }) => {
  useShortcut(keys, label, run, { group: 'Go' });
  return null;
};

/** Thin and amber while reconnecting; nothing at all otherwise. */
const ConnectionLine = () => {
  if (useConnectionState() !== 'reconnecting') return null;
  return (
    <div
      role="status"
      className="fixed inset-x-0 top-0 z-50 h-[3px] animate-fade-in overflow-hidden bg-accent-soft [animation-delay:600ms] [animation-fill-mode:backwards]"
    >
      <span className="block h-full w-1/3 animate-slide bg-accent" />
      <span className="sr-only">Reconnecting. What you see may be a moment old.</span>
    </div>
  );
};
