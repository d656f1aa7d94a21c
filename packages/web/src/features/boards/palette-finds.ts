import { boardsList } from '@atrium/protocol';
import { LayoutDashboard } from 'lucide-react';
import type { FoundObject } from '../../app/feature.ts';
import { call } from '../../data/client.ts';

export const findBoards = async (q: string, signal: AbortSignal): Promise<FoundObject[]> =>
  (await call(boardsList, { limit: 200 }, { signal })).items
    .filter(({ name }) => name.toLocaleLowerCase().includes(q.toLocaleLowerCase()))
    .slice(0, 6)
    .map(({ id, name, shared }) => ({
      id,
      label: name,
      hint: shared ? 'Shared board' : 'Board',
      to: `/services/${id}`,
      icon: LayoutDashboard,
    }));
