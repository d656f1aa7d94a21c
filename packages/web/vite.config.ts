import type { ServerResponse } from 'node:http';
import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin, type Rolldown } from 'vite';

const server = process.env['DEV_SERVER'] ?? 'http://127.0.0.1:4400';

/** The real server writes the proof of the session into the page; here the page is drawn by Vite. */
const pageProof = (): Plugin => ({
  name: 'page-proof',
  configureServer: ({ middlewares }) => {
    middlewares.use(async (request, response, next) => {
      if (request.headers['sec-fetch-dest'] === 'document') {
        const { cookie = '' } = request.headers;
        const headers = { cookie, accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
        const page = await fetch(`${server}/`, { headers }).catch(() => null);
        const proof = page?.headers.get('x-atrium-csrf') ?? '';
        const end = response.end.bind(response) as (content?: unknown) => ServerResponse;
        response.end = ((content?: unknown) =>
          end(typeof content === 'string' ? content.replaceAll('__ATRIUM_CSRF__', proof) : content)) as never;
      }
      next();
    });
  },
});

interface Modules {
  getModuleInfo: (id: string) => Pick<Rolldown.ModuleInfo, 'importers'> | null;
}

/** Modules that are loaded with one of those pages, whatever else needs them. */
const loadedWith = (pages: RegExp, name: string) => {
  const known = new Map<string, boolean>();
  const isLoaded = (id: string, modules: Modules): boolean => {
    const before = known.get(id);
    if (before !== undefined) return before;
    // Holds for a circle of imports until somebody outside of it is found.
    known.set(id, pages.test(id));
    const found = pages.test(id) || (modules.getModuleInfo(id)?.importers ?? []).some((one) => isLoaded(one, modules));
    known.set(id, found);
    return found;
  };
  return (id: string, modules: Modules): string | null =>
    id.includes('/packages/web/src/') && isLoaded(id, modules) ? name : null;
};

export default defineConfig({
  plugins: [react(), tailwindcss(), pageProof()],
  build: {
    outDir: 'dist',
    target: 'es2023',
    // Fonts and icons stay files: a data: URI would need a hole in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: 'react', test: /node_modules\/(react|react-dom|scheduler)\// },
            {
              name: 'tanstack',
              test: /node_modules\/@tanstack\/(react-query|query-core|react-router|router-core|history|react-store|store)\//,
            },
            // Without these each small module that two pages share is a request of its own: a hundred for one page.
            { name: 'start', tags: ['$initial'] },
            { name: loadedWith(/\/identity\/(setup|sign-in|factor|forgot|reset|invite)-page\.tsx$/, 'door') },
            { name: loadedWith(/\/app\/frame\.tsx$/, 'frame') },
            { name: 'shared', minShareCount: 6 },
          ],
        },
      },
    },
  },
  server: {
    port: 4480,
    proxy: {
      '/api': server,
      '/auth': server,
      '/pair': server,
      '/oauth': server,
      '/.well-known': server,
      '/ws': { target: server, ws: true },
    },
  },
});
