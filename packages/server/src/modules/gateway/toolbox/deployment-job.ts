import type { NewJob } from '../../../platform/db/database.ts';

/** What a job is to do: go on with the installation where the row says, or an order of its own. */
export type Order = 'install' | 'stop' | 'cancel' | 'remove';

export interface Advance {
  id: string;
  turn: number;
  order: Order;
  attempt: number;
}

export const advanceName = 'advance-deployment';

export const advanceJob = ({ id, turn, order, attempt }: Advance, run_at?: Date): NewJob => ({
  name: advanceName,
  id: `toolbox-${id}-${turn}-${order}-${attempt}`,
  args: { id, turn, order, attempt },
  ...(run_at === undefined ? {} : { run_at }),
});
