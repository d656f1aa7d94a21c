import { createExternalStore, useExternalStore } from './external-store.ts';

/** The eight themes, in the order in which they are offered. `plane` colours the browser's own frame. */
export const themes = [
  { id: 'daylight', name: 'Daylight', dark: false, plane: '#f7f5f2' },
  { id: 'night', name: 'Night', dark: true, plane: '#110f0d' },
  { id: 'terminal', name: 'Terminal', dark: true, plane: '#060b07' },
  { id: 'nord', name: 'Nord', dark: true, plane: '#292e39' },
  { id: 'solarized-light', name: 'Solarized Light', dark: false, plane: '#f1ead6' },
  { id: 'solarized-dark', name: 'Solarized Dark', dark: true, plane: '#00242e' },
  { id: 'dracula', name: 'Dracula', dark: true, plane: '#21222c' },
  { id: 'high-contrast', name: 'High contrast', dark: true, plane: '#000000' },
] as const;

export type ThemeId = (typeof themes)[number]['id'];
export type ThemeChoice = ThemeId | 'system';
export type Density = 'comfortable' | 'dense';

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
export const densityChoice = createExternalStore<Density>(read('atrium.density') === 'dense' ? 'dense' : 'comfortable');

const resolve = (choice: ThemeChoice): ThemeId =>
  choice === 'system' ? (prefersDark.matches ? 'night' : 'daylight') : choice;

/** The theme on screen; canvas drawings subscribe to it because they cannot use CSS variables. */
export const activeTheme = createExternalStore<ThemeId>(resolve(themeChoice.get()));

const apply = (): void => {
  const id = resolve(themeChoice.get());
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

export const useThemeChoice = (): ThemeChoice => useExternalStore(themeChoice);
export const useActiveTheme = (): ThemeId => useExternalStore(activeTheme);
export const useDensity = (): Density => useExternalStore(densityChoice);
