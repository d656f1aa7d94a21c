// The service worker: offline page, push. It never stores an answer of the API: what was on screen
// belongs to whoever was signed in, and a shared device must not keep it.
const shell = 'atrium-shell';
const always = ['/offline.html', '/offline.css', '/offline.js', '/icons/mark.svg', '/icons/icon-192.png'];

self.addEventListener('install', (event) => {
  event.waitUntil(
    caches
      .open(shell)
      .then((cache) => cache.addAll(always))
      .then(() => self.skipWaiting()),
  );
});

// Earlier versions kept the app itself here.
const dropAssets = async () => {
  const cache = await caches.open(shell);
  for (const request of await cache.keys())
    if (new URL(request.url).pathname.startsWith('/assets/')) await cache.delete(request);
};

self.addEventListener('activate', (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name !== shell).map((name) => caches.delete(name))))
      .then(dropAssets)
      .then(() => self.clients.claim()),
  );
});

const page = async (request) => {
  try {
    const answer = await fetch(request);
    const cache = await caches.open(shell);
    await cache.put('/last-seen', new Response(String(Date.now())));
    return answer;
  } catch {
    return (await caches.match('/offline.html')) ?? Response.error();
  }
};

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== location.origin) return;
  // Scripts and styles come from the network or the browser's own cache, never from Cache Storage: every page of this
  // origin can write there, those of apps below /apps/ among them.
  // Other documents of this origin (sign-in of apps, gateway routes) answer for themselves.
  if (request.mode === 'navigate' && !/^\/(?:api|auth|oauth|pair|apps|mcp|v1|\.well-known)(?:\/|$)/.test(url.pathname))
    event.respondWith(page(request));
  else if (always.includes(url.pathname)) event.respondWith(fetch(request).catch(() => caches.match(request)));
});

/* ---------- push: {title, body?, path?, tag?, level?, actions?: [{action, title}]} ---------- */

const ownPath = (path) => (typeof path === 'string' && /^\/(?!\/)/.test(path) ? path : '/inbox');

self.addEventListener('push', (event) => {
  let message = {};
  try {
    message = event.data?.json() ?? {};
  } catch {
    message = { title: event.data?.text() };
  }
  event.waitUntil(
    self.registration.showNotification(message.title || 'Something waits in Atrium', {
      body: message.body,
      icon: '/icons/icon-192.png',
      badge: '/icons/badge-96.png',
      // One notification an item: a reminder replaces the first.
      tag: message.tag,
      renotify: Boolean(message.tag),
      requireInteraction: message.level === 'error',
      actions: Array.isArray(message.actions) ? message.actions.slice(0, 2) : [],
      data: { path: ownPath(message.path) },
    }),
  );
});

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  const path = ownPath(event.notification.data?.path);
  const target = event.action
    ? `${path}${path.includes('?') ? '&' : '?'}action=${encodeURIComponent(event.action)}`
    : path;
  event.waitUntil(
    self.clients.matchAll({ type: 'window', includeUncontrolled: true }).then(async (windows) => {
      const open = windows.find(
        (client) =>
          new URL(client.url).origin === location.origin && !new URL(client.url).pathname.startsWith('/apps/'),
      );
      if (!open) return self.clients.openWindow(target);
      await open.focus();
      // The page routes by itself, so nothing that is being typed elsewhere is lost to a reload.
      open.postMessage({ type: 'open', path: target });
    }),
  );
});

// The browser renewed the subscription: the open page registers the new one, because only it may call the API.
self.addEventListener('pushsubscriptionchange', (event) => {
  event.waitUntil(
    self.clients.matchAll({ type: 'window' }).then((windows) => {
      for (const client of windows) client.postMessage({ type: 'push_subscription_changed' });
    }),
  );
});
