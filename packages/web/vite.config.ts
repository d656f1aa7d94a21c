import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const server = process.env['DEV_SERVER'] ?? 'http://127.0.0.1:4400';

export default defineConfig({
  plugins: [react(), tailwindcss()],
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
