import { containersList } from '@atrium/protocol';
import { Container } from 'lucide-react';
import type { FoundObject } from '../../app/feature.ts';
import { call } from '../../data/client.ts';
import { shortImage } from './container-words.ts';

export const findContainers = async (q: string, signal: AbortSignal): Promise<FoundObject[]> => {
  const { items } = await call(containersList, { q, limit: 6 }, { signal });
  return items.map(({ id, name, image }) => ({
    ...{ id, label: name, hint: shortImage(image), to: `/containers/${id}`, icon: Container },
  }));
};
