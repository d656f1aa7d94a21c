import { appsList, discoveryRescan, routesList } from '@atrium/protocol';
import { AppWindow, Waypoints } from 'lucide-react';
import type { FoundObject } from '../../app/feature.ts';
import { call } from '../../data/client.ts';
import { invalidate } from '../../data/operations.ts';
import { toast } from '../../ui/toast.tsx';
import { proposalReads } from './gateway-changes.ts';
import { addressOf, shortAddress } from './gateway-words.ts';

/* What the palette asks of the gateway. It comes with the first question: the first page needs none of these shapes. */

export const findApps = async (q: string, signal: AbortSignal): Promise<FoundObject[]> =>
  (await call(appsList, { q, limit: 6 }, { signal })).items.flatMap((app) => {
    const address = addressOf(app);
    return address === null
      ? []
      : [{ id: app.id, label: app.name, hint: shortAddress(address), to: address, icon: AppWindow }];
  });

export const findRoutes = async (q: string, signal: AbortSignal): Promise<FoundObject[]> =>
  (await call(routesList, { q, limit: 6 }, { signal })).items.map((route) => ({
    id: route.id,
    label: route.slug,
    hint: shortAddress(route.addresses[0] ?? ''),
    to: `/routes/${route.id}`,
    icon: Waypoints,
  }));

export const lookAgain = async (): Promise<void> => {
  const { providers } = await call(discoveryRescan, {});
  await invalidate(...proposalReads);
  toast({
    title:
      providers.length === 0 ? 'No provider runs' : `Asked ${providers.join(', ')}. What is new appears by itself.`,
    tone: 'success',
  });
};
