// The service worker: application shell, offline page, push. It never stores an answer of the API: what was on screen
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

self.addEventListener('activate', (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name !== shell).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

const keep = async (request, answer) => {
  if (answer.ok) await (await caches.open(shell)).put(request, answer.clone());
  return answer;
};

// Files under /assets carry a hash of their content: what is stored is right for ever.
const asset = async (request) => (await caches.match(request)) ?? keep(request, await fetch(request));

const dropOldAssets = async (page) => {
  const used = new Set([...page.matchAll(/\/assets\/[\w.-]+/g)].map(([path]) => path));
  if (used.size === 0) return;
  const cache = await caches.open(shell);
  const stored = await cache.match('/shell-of');
  const now = [...used].toSorted().join();
  if ((await stored?.text()) === now) return;
  // A new release: its lazily loaded parts come with new names, so the former ones are dead weight.
  for (const request of await cache.keys()) {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith('/assets/') && !used.has(pathname)) await cache.delete(request);
  }
  await cache.put('/shell-of', new Response(now));
};

const page = async (request) => {
  try {
    const answer = await fetch(request);
    const cache = await caches.open(shell);
    await cache.put('/last-seen', new Response(String(Date.now())));
    if (answer.ok && answer.headers.get('content-type')?.startsWith('text/html'))
      await dropOldAssets(await answer.clone().text());
    return answer;
  } catch {
    return (await caches.match('/offline.html')) ?? Response.error();
  }
};

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== location.origin) return;
  if (url.pathname.startsWith('/assets/') || url.pathname.startsWith('/icons/')) event.respondWith(asset(request));
  // Other documents of this origin (sign-in of apps, gateway routes) answer for themselves.
  else if (
    request.mode === 'navigate' &&
    !/^\/(?:api|auth|oauth|pair|apps|mcp|v1|\.well-known)(?:\/|$)/.test(url.pathname)
  )
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
