import { createExternalStore } from '../ui/external-store.ts';
import { readRemembered, writeRemembered } from '../ui/remembered.ts';

export const paletteOpen = createExternalStore(false);
export const openPalette = (): void => paletteOpen.set(true);

const kept = 6;

/** Ids of what was run or opened last, newest first. */
export const recentIds = (): string[] => readRemembered<string[]>('palette.recent', []);
export const remember = (id: string): void =>
  writeRemembered('palette.recent', [id, ...recentIds().filter((other) => other !== id)].slice(0, kept));

export interface RecentObject {
  id: string;
  label: string;
  to: string;
}
/** Objects among the recent ones, kept with their name so that they show before any search. */
export const recentObjects = (): RecentObject[] => readRemembered<RecentObject[]>('palette.objects', []);
export const rememberObject = (object: RecentObject): void => {
  remember(object.id);
  writeRemembered(
    'palette.objects',
    [object, ...recentObjects().filter((other) => other.id !== object.id)].slice(0, kept),
  );
};
