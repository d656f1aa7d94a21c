import { inboxStats } from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { SurroundingServices } from '../surrounding-services.ts';

export const statsBindings = ({ stats }: SurroundingServices): Binding[] => [
  bind(inboxStats, (call, input) => stats.read(call, input)),
];
