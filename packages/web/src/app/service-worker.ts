import { router } from './router.tsx';

/** Registers the worker (push, offline page) and lets a pressed notification lead this page to its item. */
export const startServiceWorker = (): void => {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  navigator.serviceWorker.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (isOpenMessage(data)) void router.navigate({ to: data.path });
  });
  addEventListener('load', () => {
    // Without a secure context (plain http on a LAN address) there is no worker, and the app works without it.
    navigator.serviceWorker.register('/sw.js').catch(() => undefined);
  });
};

const isOpenMessage = (data: unknown): data is { type: 'open'; path: string } =>
  typeof data === 'object' &&
  data !== null &&
  'type' in data &&
  data.type === 'open' &&
  'path' in data &&
  typeof data.path === 'string' &&
  data.path.startsWith('/') &&
  !data.path.startsWith('//');
