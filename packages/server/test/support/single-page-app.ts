import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { WebSocketServer } from 'ws';

/* A single-page app as many are: written for the root of its host, with absolute paths everywhere. */

const style = '@import "/css/more.css";\n#app { background-image: url(/img/bg.svg) }\n';
const integrity = `sha256-${createHash('sha256').update(style).digest('base64')}`;
const picture = '<svg xmlns="http://www.w3.org/2000/svg" width="7" height="7"><path d="M0 0h7v7z"/></svg>';

const page = `<!doctype html>
<html><head><meta charset="utf-8"><title>Fixture</title>
<link rel="stylesheet" href="/css/style.css" integrity="${integrity}">
<link rel="manifest" href="/app.webmanifest">
<link rel="modulepreload" href="/js/main.js">
<script type="module" src="/js/main.js"></script>
</head><body>
<nav><a id="link" href="/about">About</a> <a id="anchor" href="#below">Below</a></nav>
<img id="picture" src="/img/a.svg" srcset="/img/a.svg 1x, /img/b.svg 2x">
<form id="search" action="/search"><input name="q" value="x"><button>Go</button></form>
<div id="app"></div><div id="below"></div>
</body></html>`;

const main = `
import { draw } from '/js/draw.js';

// As routers of today find out where they are.
const base = (document.querySelector('base')?.getAttribute('href') ?? '/').replace(/^\\w+:\\/\\/[^/]+/, '').replace(/\\/$/, '');
const show = () => draw(location.pathname.slice(base.length) || '/');
window.go = (path) => { history.pushState({}, '', path); show(); };
addEventListener('popstate', show);

const text = async (answer) => (await answer).text();
const once = (target, kind) => new Promise((done, fail) => {
  target.addEventListener(kind, (event) => done(event), { once: true });
  target.addEventListener('error', () => fail(new Error(kind + ' failed')), { once: true });
});
const element = (name, attributes) => Object.assign(document.createElement(name), attributes);
window.checks = {
  fetch: () => text(fetch('/api/a')),
  fetch_of_url: () => text(fetch(new URL('/api/a', location.origin))),
  fetch_of_request: () => text(fetch(new Request('/api/a', { method: 'POST', body: 'b' }))),
  fetch_of_origin: () => text(fetch(location.origin + '/api/a')),
  xhr: async () => {
    const request = new XMLHttpRequest();
    request.open('GET', '/api/a');
    request.send();
    await once(request, 'load');
    return request.responseText;
  },
  events: async () => {
    const source = new EventSource('/api/events');
    const event = await once(source, 'message');
    source.close();
    return event.data;
  },
  socket: async () => {
    const socket = new WebSocket((location.protocol === 'https:' ? 'wss://' : 'ws://') + location.host + '/api/socket');
    await once(socket, 'open');
    socket.send('ping');
    const { data } = await once(socket, 'message');
    socket.close();
    return data;
  },
  worker: async () => (await once(new Worker('/js/worker.js'), 'message')).data,
  module_worker: async () => (await once(new Worker('/js/module-worker.js', { type: 'module' }), 'message')).data,
  shared_worker: async () => (await once((() => { const { port } = new SharedWorker('/js/shared.js'); port.start(); return port; })(), 'message')).data,
  service_worker: async () => {
    const registration = await navigator.serviceWorker.register('/js/../sw.js', { scope: '/' });
    await navigator.serviceWorker.ready;
    const { pathname } = new URL(registration.scope);
    await registration.unregister();
    return pathname;
  },
  dynamic_import: async () => (await import('/js/late.js')).late,
  relative_import: async () => (await import('./late.js')).late,
  script_element: async () => {
    const script = element('script', { src: '/js/classic.js' });
    document.head.append(script);
    await once(script, 'load');
    return window.classic;
  },
  picture_property: async () => {
    const image = element('img', { src: '/img/c.svg' });
    await once(image, 'load');
    return String(image.naturalWidth);
  },
  picture_attribute: async () => {
    const image = new Image();
    image.setAttribute('srcset', '/img/d.svg 1x, /img/e.svg 2x');
    await once(image, 'load');
    return image.getAttribute('srcset');
  },
  markup: async () => {
    const app = document.querySelector('#app');
    app.insertAdjacentHTML('beforeend', '<img class="late" src="/img/f.svg"><a class="late" href="/about">a</a>');
    await once(app.querySelector('img.late'), 'load');
    return app.querySelector('a.late').getAttribute('href') + ' ' + new URL(app.querySelector('a.late').href).pathname;
  },
  inner_markup: async () => {
    const box = element('div', { innerHTML: '<iframe src="/frame.html"></iframe>' });
    document.body.append(box);
    const frame = box.firstChild;
    await once(frame, 'load');
    return frame.contentDocument.body.textContent;
  },
  style_property: async () => {
    const box = element('div', {});
    box.style.setProperty('background-image', 'url(/img/g.svg)');
    document.body.append(box);
    return new URL(/url\\("(.*)"\\)/.exec(getComputedStyle(box).backgroundImage)[1], location.href).pathname;
  },
  beacon: async () => String(navigator.sendBeacon('/api/beacon', 'x')),
  cookie: async () => {
    document.cookie = 'script_cookie=1; path=/';
    return document.cookie.includes('script_cookie=1') ? 'set' : document.cookie;
  },
  relative: () => text(fetch('api/a')),
  anchor: async () => {
    document.querySelector('#anchor').click();
    return location.pathname + location.hash;
  },
  computed_style: async () =>
    getComputedStyle(document.querySelector('#app')).backgroundImage + ' ' + getComputedStyle(document.querySelector('#app')).color,
};
show();
window.ready = true;
`;

const files: Record<string, [type: string, text: string]> = {
  '/css/style.css': ['text/css', style],
  '/css/more.css': ['text/css', '#app { color: rgb(1, 2, 3) }'],
  '/js/main.js': ['text/javascript', main],
  '/js/draw.js': [
    'text/javascript',
    "import './late.js';\nexport const draw = (route) => { document.querySelector('#app').textContent = 'route ' + route; };",
  ],
  '/js/late.js': ['text/javascript', "export const late = 'late';"],
  '/js/classic.js': ['text/javascript', "window.classic = 'classic';"],
  '/js/worker.js': [
    'text/javascript',
    "importScripts('/js/library.js'); fetch('/api/a').then((a) => a.text()).then((text) => postMessage(text + ' ' + library));",
  ],
  '/js/library.js': ['text/javascript', "self.library = 'library';"],
  '/js/module-worker.js': ['text/javascript', "postMessage(await (await fetch('/api/a')).text());"],
  '/js/shared.js': [
    'text/javascript',
    'onconnect = async ({ ports: [port] }) => { port.postMessage(await (await fetch("/api/a")).text()); };',
  ],
  '/sw.js': ['text/javascript', 'self.addEventListener("install", () => self.skipWaiting());'],
  '/frame.html': ['text/html', '<!doctype html><body>in a frame'],
  '/app.webmanifest': [
    'application/manifest+json',
    '{"name":"Fixture","start_url":"/","icons":[{"src":"/img/a.svg"}]}',
  ],
  '/api/a': ['text/plain', 'answer'],
  '/api/beacon': ['text/plain', ''],
};

const fetching = "fetch('/api/a').then((a) => a.text())";
const importing = `${fetching}.then(async (text) => { document.title = text + ' ' + (await import('/js/late.js')).late; });`;
/** Under 'strict-dynamic' and a hash alone Chromium refuses `import()` at the root as well. */
const asking = `${fetching}.then((text) => { document.title = text + ' late'; });`;
const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
/** Pages whose only script is allowed in one way. */
const policies: Record<string, { policy?: string; meta?: string; nonce?: string; inline?: string }> = {
  nonce: { policy: "script-src 'self' 'nonce-bm9uY2U='", nonce: 'bm9uY2U=' },
  'nonce-dynamic': { policy: "script-src 'nonce-bm9uY2U=' 'strict-dynamic'", nonce: 'bm9uY2U=' },
  'hash-dynamic': { policy: `script-src ${hashOf(asking)} 'strict-dynamic'`, inline: asking },
  hash: { policy: `script-src 'self' ${hashOf(importing)}` },
  inline: { policy: "default-src 'self' 'unsafe-inline'" },
  meta: { meta: `script-src 'self' ${hashOf(importing)}` },
};
const policyPage = (name: string, response: ServerResponse): void => {
  const { policy, meta, nonce, inline = importing } = policies[name]!;
  response.writeHead(200, {
    'content-type': 'text/html',
    ...(policy === undefined ? {} : { 'content-security-policy': policy }),
  });
  response.end(
    `<!doctype html><html><head>${meta === undefined ? '' : `<meta http-equiv="Content-Security-Policy" content="${meta}">`}</head>` +
      `<body><script${nonce === undefined ? '' : ` nonce="${nonce}"`}>${inline}</script></body></html>`,
  );
};

const answer = (request: IncomingMessage, response: ServerResponse): void => {
  const path = request.url!.split('?')[0]!;
  if (path === '/api/events') {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: event\n\n');
    return;
  }
  if (path.startsWith('/policy/')) {
    policyPage(path.slice('/policy/'.length), response);
    return;
  }
  if (path === '/old') {
    response.writeHead(302, { location: '/about' }).end();
    return;
  }
  if (path.startsWith('/img/')) {
    response.writeHead(200, { 'content-type': 'image/svg+xml' }).end(picture);
    return;
  }
  const [type, text] = files[path] ?? ['text/html; charset=utf-8', page];
  const body = gzipSync(text);
  response.writeHead(200, {
    'content-type': type,
    'content-encoding': 'gzip',
    'content-length': body.length,
    'content-security-policy':
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; worker-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'self'",
    'set-cookie': 'app_cookie=1; Path=/; HttpOnly',
  });
  response.end(body);
};

export interface SinglePageApp {
  port: number;
  /** Paths that it was asked for. */
  asked: string[];
  close(): void;
}

export const startSinglePageApp = async (): Promise<SinglePageApp> => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url!);
    answer(request, response);
  });
  const sockets = new WebSocketServer({ server, path: '/api/socket' });
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(`pong to ${data}`)));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    close: () => {
      sockets.close();
      server.closeAllConnections();
      server.close();
    },
  };
};
