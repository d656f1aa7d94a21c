import type { ServerResponse } from 'node:http';
import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

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
