import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take the longest, in that order; whatever begins late is waited for alone. */
const long = [
  'web/test/every-page',
  'web/test/diary-pages',
  'flows/backup-round-trip',
  'flows/diaries/search-meaning',
  'flows/gateway/certificates',
  'flows/races',
  'flows/crash-kill-loop',
  'web/test/server-pages',
  'flows/cli-commands',
  'web/test/inbox',
  'web/test/board-pages',
  'flows/backups',
  'flows/cli-signs-in',
  'flows/start-refusals',
  'flows/master-key-rotation',
  'web/test/keyboard',
  'flows/agent-keys/clients',
  'flows/replicas',
  'web/test/pages',
  'web/test/admin-pages',
  'flows/visibility-oracle',
  'flows/gateway/toolbox',
  'flows/disk-full',
  'flows/event-sinks',
  'flows/refusals',
  'flows/agent-keys/voucher-race',
  'flows/agent-keys/crash',
  'web/test/feed-pages',
  'flows/start-times',
  'flows/mcp-client-conformance',
  'flows/sessions',
  'web/test/gateway-pages',
  'web/test/toolbox-pages',
  'web/test/person-signing',
  'flows/crash-recovery',
  'flows/start-interrupted',
  'web/test/container-pages',
  'flows/diaries/two-servers',
  'flows/sign-in-browser',
  'flows/embedded-postgres',
  'lanes/streaming',
  'lanes/differential',
  'web/test/plain-pages',
  'modules/diaries/search-service.db',
  'flows/diaries/permission-matrix',
  'modules/diaries/diaries-oracle.db',
  'events/sinks/event-sinks.db',
];

const rank = ({ moduleId }: TestSpecification): number => {
  const at = long.findIndex((name) => moduleId.includes(`${name}.test.`));
  return at === -1 ? long.length : at;
};

/** A fresh clone knows no durations of an earlier run, by which files would be ordered otherwise. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => rank(a) - rank(b));
  }
}
