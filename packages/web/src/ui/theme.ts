import { createExternalStore, useExternalStore } from './external-store.ts';

/** Every theme, in the order in which they are offered. `plane` colours the browser's own frame. */
export const themes = [
  { id: 'daylight', name: 'Daylight', dark: false, plane: '#f7f5f2' },
  { id: 'night', name: 'Night', dark: true, plane: '#110f0d' },
  { id: 'terminal', name: 'Terminal', dark: true, plane: '#060b07' },
  { id: 'nord', name: 'Nord', dark: true, plane: '#292e39' },
  { id: 'solarized-light', name: 'Solarized Light', dark: false, plane: '#f1ead6' },
  { id: 'solarized-dark', name: 'Solarized Dark', dark: true, plane: '#00242e' },
  { id: 'dracula', name: 'Dracula', dark: true, plane: '#21222c' },
  { id: 'high-contrast', name: 'High contrast', dark: true, plane: '#000000' },
  { id: 'slate', name: 'Slate', dark: true, plane: '#0f172a' },
  { id: 'obsidian', name: 'Obsidian', dark: true, plane: '#09090b' },
  { id: 'carbon', name: 'Carbon', dark: true, plane: '#161616' },
  { id: 'classic-green', name: 'Classic Green', dark: true, plane: '#0a0f0a' },
  { id: 'cyan', name: 'Cyan', dark: true, plane: '#06141a' },
  { id: 'amber', name: 'Amber', dark: true, plane: '#130d05' },
  { id: 'gruvbox-dark', name: 'Gruvbox Dark', dark: true, plane: '#232323' },
  { id: 'gruvbox-light', name: 'Gruvbox Light', dark: false, plane: '#f2e5bc' },
  { id: 'tokyo-night', name: 'Tokyo Night', dark: true, plane: '#16161e' },
  { id: 'storm', name: 'Storm', dark: true, plane: '#1f2335' },
  { id: 'catppuccin-mocha', name: 'Catppuccin Mocha', dark: true, plane: '#181825' },
  { id: 'pipboy-amber', name: 'Pip-Boy Amber', dark: true, plane: '#150c00' },
  { id: 'pipboy-green', name: 'Pip-Boy Green', dark: true, plane: '#00140a' },
  { id: 'retro', name: 'Retro', dark: false, plane: '#d6d2c9' },
] as const;

export type ThemeId = (typeof themes)[number]['id'];
export type ThemeChoice = ThemeId | 'system';
export type Density = 'comfortable' | 'dense';
export type FontSize = 'small' | 'medium' | 'large' | 'largest';

// Plain strings, not JSON: public/boot.js reads the same keys before any module runs.
const read = (key: string): string | null => {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
};
const write = (key: string, value: string): void => {
  try {
    localStorage.setItem(key, value);
  } catch {
    // The choice then lasts as long as the page.
  }
};

const isTheme = (value: string | null): value is ThemeId => themes.some((theme) => theme.id === value);
const prefersDark = matchMedia('(prefers-color-scheme: dark)');
const storedChoice = read('atrium.theme');

export const themeChoice = createExternalStore<ThemeChoice>(isTheme(storedChoice) ? storedChoice : 'system');
const fontSizes = ['small', 'medium', 'large', 'largest'] as const satisfies readonly FontSize[];
const storedSize = read('atrium.font-size');
export const fontSizeChoice = createExternalStore<FontSize>(fontSizes.find((size) => size === storedSize) ?? 'medium');
export const scanLinesChoice = createExternalStore<boolean>(read('atrium.scan-lines') === 'on');
export const densityChoice = createExternalStore<Density>(read('atrium.density') === 'dense' ? 'dense' : 'comfortable');

const resolve = (choice: ThemeChoice): ThemeId =>
  choice === 'system' ? (prefersDark.matches ? 'night' : 'daylight') : choice;

/** The theme on screen; canvas drawings subscribe to it because they cannot use CSS variables. */
export const activeTheme = createExternalStore<ThemeId>(resolve(themeChoice.get()));

/** A theme that is only looked at, by the palette; null = the chosen one. */
let looked: ThemeId | null = null;

const apply = (): void => {
  const id = looked ?? resolve(themeChoice.get());
  document.documentElement.dataset.theme = id;
  const plane = themes.find((theme) => theme.id === id)!.plane;
  document.querySelector('meta[name="theme-color"]')?.setAttribute('content', plane);
  activeTheme.set(id);
};

export const chooseTheme = (choice: ThemeChoice): void => {
  themeChoice.set(choice);
  write('atrium.theme', choice);
  apply();
};

export const chooseDensity = (density: Density): void => {
  densityChoice.set(density);
  write('atrium.density', density);
  document.documentElement.dataset.density = density;
};

/** Shows a theme without choosing it; null ends that. */
export const previewTheme = (choice: ThemeChoice | null): void => {
  const next = choice === null ? null : resolve(choice);
  if (next === looked) return;
  looked = next;
  apply();
};

export const chooseFontSize = (size: FontSize): void => {
  fontSizeChoice.set(size);
  write('atrium.font-size', size);
  document.documentElement.dataset['fontSize'] = size;
};

export const chooseScanLines = (on: boolean): void => {
  scanLinesChoice.set(on);
  write('atrium.scan-lines', on ? 'on' : 'off');
  document.documentElement.dataset['scanLines'] = on ? 'on' : 'off';
};

/** Follows the system and other tabs from now on. */
export const startTheme = (): void => {
  apply();
  prefersDark.addEventListener('change', apply);
  addEventListener('storage', (event) => {
    if (event.key === 'atrium.theme') {
      themeChoice.set(isTheme(event.newValue) ? event.newValue : 'system');
      apply();
    }
  });
};

export const useFontSize = (): FontSize => useExternalStore(fontSizeChoice);
export const useScanLines = (): boolean => useExternalStore(scanLinesChoice);
export const useThemeChoice = (): ThemeChoice => useExternalStore(themeChoice);
export const useActiveTheme = (): ThemeId => useExternalStore(activeTheme);
export const useDensity = (): Density => useExternalStore(densityChoice);
