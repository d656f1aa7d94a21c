import type { JobDefinition } from '../../platform/jobs/job.ts';
import type { DiariesServices } from './diaries-services.ts';

/** Durable work of diaries, by the names it is enqueued under. */
export const diariesJobs = ({ embedding, index }: Pick<DiariesServices, 'embedding' | 'index'>): JobDefinition[] => [
  { name: 'embed-entry', run: ({ entry_id }) => embedding.embedOne(String(entry_id)) },
  { name: 'index-entries', run: () => index.catchUp() },
];
