import type { TestProject } from 'vitest/node';
import { buildKitchen } from './serve-web.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the app with its kitchen page was built. */
    web_folder: string;
  }
}

/** Vitest's setup for tests of pages: the app is built once a run. */
export const setup = async (project: TestProject): Promise<() => Promise<void>> => {
  const { folder, remove } = await buildKitchen();
  project.provide('web_folder', folder);
  return remove;
};
