import { defineConfig } from 'vitest/config';
import { LongestFirst } from './scripts/longest-first.ts';

export default defineConfig({
  test: {
    globalSetup: ['packages/server/test/support/test-server-setup.ts'],
    pool: 'forks',
    // Two cores: while files wait for a browser or a timer, others work. With four a quarter of the time was idle.
    maxWorkers: 5,
    sequence: { sequencer: LongestFirst },
    testTimeout: 20_000,
    hookTimeout: 30_000,
    expect: { poll: { timeout: 15_000 } },
    tags: [{ name: 'long', description: 'Seconds of the same thing again and again; npm run check leaves them out.' }],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', 'packages/server/test/*.test.ts'],
          // Two processes for all files instead of one each: half of the time went into loading the same modules again.
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'flows',
          // Servers are processes of their own; what drives them is loaded once for all files.
          isolate: false,
          globalSetup: ['packages/server/test/support/data-template-setup.ts'],
          include: ['packages/server/test/flows/**/*.test.ts'],
          // Each file starts a server of its own, first start included.
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'web',
          isolate: false,
          globalSetup: [
            'packages/web/test/support/web-build-setup.ts',
            'packages/server/test/support/data-template-setup.ts',
          ],
          include: ['packages/web/test/*.test.ts'],
          pool: 'forks',
          testTimeout: 30_000,
          hookTimeout: 120_000,
          expect: { poll: { timeout: 15_000 } },
        },
      },
    ],
  },
});
