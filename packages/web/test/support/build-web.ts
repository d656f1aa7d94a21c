import { fileURLToPath } from 'node:url';
import { build } from 'vite';

/** Builds the app as it is shipped; mode `kitchen` adds the page that shows every piece of the kit. */
export const buildWeb = async (outDir: string, mode: 'production' | 'kitchen'): Promise<void> => {
  // vitest sets NODE_ENV to test, and Vite would then build for development.
  const before = process.env['NODE_ENV'];
  process.env['NODE_ENV'] = 'production';
  try {
    const root = fileURLToPath(new URL('../..', import.meta.url));
    await build({ root, mode, logLevel: 'error', build: { outDir, emptyOutDir: true } });
  } finally {
    process.env['NODE_ENV'] = before;
  }
};
