import { type InputOf, type Preferences, preferencesUpdate } from '@atrium/protocol';
import { useEffect } from 'react';
import { chooseConfirmations } from '../ui/confirmations.ts';
import { chooseDensity, chooseFontSize, chooseScanLines, chooseTheme } from '../ui/theme.ts';
import { chooseTimeZone } from '../ui/time-format.ts';
import { toast } from '../ui/toast.tsx';
import { call, sayError } from './client.ts';
import { queryClient } from './query-client.ts';
import { type Me, meQuery, useMe } from './session.ts';

/** The account's choices rule on every device; this device's memory only bridges the time until they are known. */
export const useAccountPreferences = (): void => {
  const { theme, density, time_zone, font_size, scan_lines, confirmations } = useMe().preferences;
  useEffect(() => chooseTheme(theme), [theme]);
  useEffect(() => chooseDensity(density), [density]);
  useEffect(() => chooseFontSize(font_size), [font_size]);
  useEffect(() => chooseScanLines(scan_lines), [scan_lines]);
  useEffect(() => chooseConfirmations(confirmations), [confirmations]);
  useEffect(() => chooseTimeZone(time_zone ?? ''), [time_zone]);
};

const show = (preferences: Preferences): void =>
  void queryClient.setQueryData(meQuery.queryKey, (me: Me | undefined) => me && { ...me, preferences });

/** Changes preferences at once, here and (behind it) in the account; a refusal puts the former ones back. */
export const savePreferences = async (input: InputOf<typeof preferencesUpdate>): Promise<void> => {
  const before = queryClient.getQueryData(meQuery.queryKey)?.preferences;
  if (!before) return;
  show({ ...before, ...(input as Partial<Preferences>) });
  try {
    show(await call(preferencesUpdate, input));
  } catch (error) {
    show(before);
    toast({ title: sayError(error), detail: 'Your preferences are as they were.', tone: 'danger' });
  }
};
