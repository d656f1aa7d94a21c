import { inboxPublish } from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { SurroundingServices } from '../surrounding-services.ts';

export const publishBindings = ({ publish }: SurroundingServices): Binding[] => [
  bind(inboxPublish, (call, { topic_token }) => publish.publish(call, topic_token)),
];
