/*
 * Runs in pages and workers of an app that is served below a path. Addresses that begin with a slash mean the root of
 * the app for its own code and the root of the server for the browser; here the former are turned into the latter
 * wherever script hands one over. `location` cannot be replaced: navigation out of the base is caught by the Navigation API.
 */
(() => {
  const mark = Symbol.for('atrium.rewrite');
  if (globalThis[mark]) return;
  Object.defineProperty(globalThis, mark, { value: true });

  const scope = globalThis;
  const inPage = typeof document === 'object';
  const NativeURL = URL;
  const own = inPage ? document.currentScript : null;
  if (inPage && own === null) return;
  const [prefix, from] = inPage
    ? [new NativeURL(own.src).pathname.replace(/\/\.atrium\/rewrite\.js$/, ''), own.getAttribute('data-from') ?? '']
    : scope.__atriumBase;
  // A page in `srcdoc` has no address of its own.
  const host = inPage ? new NativeURL(own.src).host : location.host;
  const origin = inPage ? new NativeURL(own.src).origin : location.origin;

  /* ---------- addresses ---------- */

  const below = (path, start) =>
    path.startsWith(start) && (path.length === start.length || '/?#'.includes(path[start.length]));
  const shift = (path) => {
    if (below(path, prefix)) return path;
    const rest = from !== '' && below(path, from) ? path.slice(from.length) : path;
    return prefix + (rest.startsWith('/') ? rest : `/${rest}`);
  };
  const absolute = /^(?:(?:https?|wss?):)?\/\/([^/?#\\]*)([\s\S]*)$/i;

  /** `whole`: addresses with our own host in them as well, which script makes of `location`. */
  const translate = (value, whole = true) => {
    if (typeof value !== 'string') return value instanceof NativeURL ? translate(value.href, whole) : value;
    const text = value.trim();
    if (text[0] === '/' && text[1] !== '/' && text[1] !== '\\') return shift(text);
    if (!whole) return value;
    const found = absolute.exec(text);
    if (found === null || found[1].toLowerCase() !== host) return value;
    return text.slice(0, text.length - found[2].length) + shift(found[2].startsWith('/') ? found[2] : `/${found[2]}`);
  };
  const translateSrcset = (value, whole) =>
    value.replace(/(^|,\s+|,(?=\/)|^\s+)([^\s,]\S*)/g, (_all, before, address) => before + translate(address, whole));
  const translateCss = (text) =>
    typeof text === 'string' && text.includes('/')
      ? text
          .replace(/((?:^|[^\w-])url\(\s*["']?)(\/[^)"'\s]*)/gi, (_all, before, address) => before + translate(address))
          .replace(/(@import\s+["'])(\/[^"']*)/gi, (_all, before, address) => before + translate(address))
      : text;

  /* ---------- ways to hook ---------- */

  const define = (object, name, value) =>
    Object.defineProperty(object, name, { value, writable: true, configurable: true, enumerable: true });
  const hookMethod = (object, name, change) => {
    const native = object?.[name];
    if (typeof native !== 'function') return;
    define(
      object,
      name,
      {
        [name](...args) {
          return native.apply(this, change(args, this));
        },
      }[name],
    );
  };
  const hookSetter = (prototype, name, change) => {
    const native = prototype && Object.getOwnPropertyDescriptor(prototype, name);
    if (!native?.set || !native.configurable) return;
    Object.defineProperty(prototype, name, {
      ...native,
      set(value) {
        native.set.call(this, change(value, this));
      },
    });
  };
  const hookConstructor = (name, change) => {
    const native = scope[name];
    if (typeof native !== 'function') return;
    const hooked = new Proxy(native, {
      construct: (target, args, asked) => Reflect.construct(target, change(args), asked === hooked ? target : asked),
    });
    define(scope, name, hooked);
    define(native.prototype, 'constructor', hooked);
  };
  const first = (args) => (args.length === 0 ? args : [translate(args[0]), ...args.slice(1)]);

  /* ---------- requests, sockets, workers ---------- */

  hookConstructor('Request', first);
  hookMethod(scope, 'fetch', first);
  if (scope.XMLHttpRequest)
    hookMethod(XMLHttpRequest.prototype, 'open', ([method, address, ...rest]) => [method, translate(address), ...rest]);
  for (const name of ['WebSocket', 'EventSource', 'Worker', 'SharedWorker', 'Audio']) hookConstructor(name, first);
  hookConstructor('FontFace', ([family, source, ...rest]) => [family, translateCss(source), ...rest]);
  if (scope.Navigator) hookMethod(Navigator.prototype, 'sendBeacon', first);
  if (scope.ServiceWorkerContainer) {
    const inside = (options) =>
      options && typeof options === 'object' && 'scope' in options
        ? { ...options, scope: translate(options.scope) }
        : options;
    hookMethod(ServiceWorkerContainer.prototype, 'register', ([address, options, ...rest]) => [
      translate(address),
      inside(options),
      ...rest,
    ]);
    hookMethod(ServiceWorkerContainer.prototype, 'getRegistration', first);
  }
  if (scope.Cache) {
    for (const name of ['add', 'match', 'matchAll', 'put', 'delete', 'keys']) hookMethod(Cache.prototype, name, first);
    hookMethod(Cache.prototype, 'addAll', ([list, ...rest]) => [
      Array.isArray(list) ? list.map((address) => translate(address)) : list,
      ...rest,
    ]);
    hookMethod(CacheStorage.prototype, 'match', first);
  }
  if (!inPage) {
    hookMethod(scope, 'importScripts', (args) => args.map((address) => translate(address)));
    if (scope.Clients) hookMethod(Clients.prototype, 'openWindow', first);
    return;
  }

  /* ---------- elements ---------- */

  const getAttribute = Element.prototype.getAttribute;
  const setAttribute = Element.prototype.setAttribute;
  const names = [
    'src',
    'href',
    'action',
    'formaction',
    'poster',
    'background',
    'data',
    'srcset',
    'imagesrcset',
    'style',
  ];
  const watched = new Set([...names, 'xlink:href', 'ping']);
  const selector =
    '[src],[href],[action],[formaction],[poster],[background],[data],[srcset],[imagesrcset],[style*="url("],style';
  /** What the app wrote, so that it reads the same. */
  const written = new WeakMap();

  const translateAttribute = (element, name, value, whole) => {
    if (typeof value !== 'string' || !watched.has(name)) return value;
    if (name === 'srcset' || name === 'imagesrcset') return translateSrcset(value, whole);
    if (name === 'style') return translateCss(value);
    if (name === 'data' && element.localName !== 'object') return value;
    return name === 'ping' ? value.replace(/\S+/g, (address) => translate(address, whole)) : translate(value, whole);
  };
  const note = (element, name, was, now) => {
    if (!watched.has(name)) return;
    const notes = written.get(element) ?? {};
    notes[name] = { was: String(was), now: String(now) };
    written.set(element, notes);
  };
  const isOurBase = (element) => element.localName === 'base' && element.hasAttribute('data-atrium');

  const hookAttribute = (name, at) =>
    hookMethod(Element.prototype, name, (args, element) => {
      const attribute = String(args[at]).toLowerCase();
      const given = args[at + 1] instanceof NativeURL ? args[at + 1].href : args[at + 1];
      const value = translateAttribute(element, attribute, given, true);
      note(element, attribute, given, value);
      return [...args.slice(0, at + 1), value, ...args.slice(at + 2)];
    });
  hookAttribute('setAttribute', 0);
  hookAttribute('setAttributeNS', 1);
  define(Element.prototype, 'getAttribute', function (name) {
    const value = getAttribute.call(this, name);
    if (value === null) return null;
    const attribute = String(name).toLowerCase();
    if (!watched.has(attribute) || attribute === 'style') return value;
    if (this.localName === 'base') return isOurBase(this) && attribute === 'href' ? `${prefix}/` : value;
    const noted = written.get(this)?.[attribute];
    if (noted !== undefined && noted.now === value) return noted.was;
    return noted === undefined && value.startsWith(`${prefix}/`) ? value.slice(prefix.length) : value;
  });

  const properties = {
    HTMLScriptElement: ['src'],
    HTMLImageElement: ['src', 'srcset'],
    HTMLSourceElement: ['src', 'srcset'],
    HTMLMediaElement: ['src'],
    HTMLVideoElement: ['poster'],
    HTMLIFrameElement: ['src'],
    HTMLFrameElement: ['src'],
    HTMLEmbedElement: ['src'],
    HTMLTrackElement: ['src'],
    HTMLInputElement: ['src', 'formAction'],
    HTMLButtonElement: ['formAction'],
    HTMLFormElement: ['action'],
    HTMLLinkElement: ['href', 'imageSrcset'],
    HTMLAnchorElement: ['href', 'ping'],
    HTMLAreaElement: ['href', 'ping'],
    HTMLBaseElement: ['href'],
    HTMLObjectElement: ['data'],
  };
  for (const [element, list] of Object.entries(properties))
    for (const property of list)
      hookSetter(scope[element]?.prototype, property, (value, target) => {
        const name = property.toLowerCase();
        const given = value instanceof NativeURL ? value.href : value;
        const changed = translateAttribute(target, name, given, true);
        note(target, name, given, changed);
        return changed;
      });
  const baseHref = Object.getOwnPropertyDescriptor(HTMLBaseElement.prototype, 'href');
  Object.defineProperty(HTMLBaseElement.prototype, 'href', {
    ...baseHref,
    get() {
      return isOurBase(this) ? `${origin}${prefix}/` : baseHref.get.call(this);
    },
  });

  /* ---------- style sheets ---------- */

  hookMethod(CSSStyleDeclaration.prototype, 'setProperty', ([name, value, ...rest]) => [
    name,
    translateCss(value),
    ...rest,
  ]);
  for (const name of [
    'cssText',
    'background',
    'backgroundImage',
    'borderImage',
    'content',
    'cursor',
    'listStyleImage',
    'maskImage',
  ])
    hookSetter(CSSStyleDeclaration.prototype, name, translateCss);
  for (const name of ['insertRule', 'replace', 'replaceSync'])
    hookMethod(CSSStyleSheet.prototype, name, ([text, ...rest]) => [translateCss(text), ...rest]);

  /* ---------- what comes in as markup ---------- */

  const fixAttribute = (element, name) => {
    const value = getAttribute.call(element, name);
    if (value === null) return;
    const changed = translateAttribute(element, name, value, false);
    if (changed === value) return;
    try {
      setAttribute.call(element, name, changed);
    } catch {
      // The page takes trusted types only: the address stays.
    }
  };
  const fix = (element) => {
    if (element.localName === 'style') {
      const text = element.textContent;
      const changed = translateCss(text);
      if (changed !== text) element.textContent = changed;
    }
    for (const name of names) fixAttribute(element, name);
  };
  const fixBelow = (root) => {
    for (const element of root.querySelectorAll(selector)) fix(element);
    for (const template of root.querySelectorAll('template')) fixBelow(template.content);
  };
  const fixAfter = (prototype, name, rootOf) => {
    const native = prototype && Object.getOwnPropertyDescriptor(prototype, name);
    if (native?.set)
      Object.defineProperty(prototype, name, {
        ...native,
        set(value) {
          const root = rootOf(this);
          native.set.call(this, value);
          // Before the browser gets to fetching anything: that begins when this script has ended.
          if (root) fixBelow(root);
        },
      });
  };
  const contentOf = (element) => (element.localName === 'template' ? element.content : element);
  fixAfter(Element.prototype, 'innerHTML', contentOf);
  fixAfter(Element.prototype, 'outerHTML', (element) => element.parentNode);
  fixAfter(scope.ShadowRoot?.prototype, 'innerHTML', (root) => root);
  const insertAdjacent = Element.prototype.insertAdjacentHTML;
  define(Element.prototype, 'insertAdjacentHTML', function (where, markup) {
    insertAdjacent.call(this, where, markup);
    fixBelow(/^(?:before|after)(?:begin|end)$/i.test(where) && this.parentNode ? this.parentNode : this);
  });
  const contextual = Range.prototype.createContextualFragment;
  define(Range.prototype, 'createContextualFragment', function (markup) {
    const fragment = contextual.call(this, markup);
    fixBelow(fragment);
    return fragment;
  });
  // Scripts and pictures that are written into the page load before anybody could correct them.
  const inTags = (markup) =>
    typeof markup === 'string'
      ? markup.replace(/<[a-z][^>]*>/gi, (tag) =>
          tag.replace(
            /(\s(?:src|href|action|formaction|poster|background)\s*=\s*["']?)(\/[^"'\s>]*)/gi,
            (_all, before, address) => before + translate(address),
          ),
        )
      : markup;
  for (const name of ['write', 'writeln']) hookMethod(Document.prototype, name, (args) => args.map(inTags));

  const observer = new MutationObserver((records) => {
    for (const { type, target, attributeName, addedNodes } of records) {
      if (type === 'attributes') fixAttribute(target, attributeName);
      for (const node of addedNodes) {
        if (node.nodeType === 1) {
          if (node.matches(selector)) fix(node);
          fixBelow(node);
          if (node.localName === 'base' && !isOurBase(node)) document.querySelector('base[data-atrium]')?.remove();
        } else if (node.nodeType === 3 && target.localName === 'style') fix(target);
      }
    }
  });
  const watch = (root) => observer.observe(root, { childList: true, subtree: true, attributeFilter: names });
  watch(document);
  const attachShadow = Element.prototype.attachShadow;
  define(Element.prototype, 'attachShadow', function (options) {
    const root = attachShadow.call(this, options);
    watch(root);
    return root;
  });

  /* ---------- where the page is ---------- */

  /** Our base is the address of the page and so has to follow it. */
  const follow = () => {
    const base = document.querySelector('base[data-atrium]');
    if (base) setAttribute.call(base, 'href', location.pathname + location.search);
  };
  for (const name of ['pushState', 'replaceState']) {
    const native = History.prototype[name];
    define(History.prototype, name, function (state, title, address) {
      native.call(this, state, title, address === undefined || address === null ? address : translate(String(address)));
      follow();
    });
  }
  scope.addEventListener('popstate', follow, true);
  hookMethod(scope, 'open', first);

  scope.navigation?.addEventListener('navigate', (event) => {
    if (!event.cancelable || event.hashChange || event.formData || typeof event.downloadRequest === 'string') return;
    if (event.navigationType !== 'push' && event.navigationType !== 'replace') return;
    const to = new NativeURL(event.destination.url);
    if (to.origin !== origin || below(to.pathname, prefix)) return;
    event.preventDefault();
    location[event.navigationType === 'replace' ? 'replace' : 'assign'](translate(to.href));
  });

  /* ---------- cookies of script ---------- */

  hookSetter(Document.prototype, 'cookie', (value) => {
    const path = (asked) => (asked.startsWith('/') ? shift(asked) : asked);
    return String(value)
      .replace(/;\s*domain\s*=[^;]*/gi, '')
      .replace(/(;\s*path\s*=\s*)([^;]*)/gi, (_all, before, asked) => before + path(asked.trim()));
  });
  if (scope.CookieStore) {
    const inside = (args) => {
      const cookie = typeof args[0] === 'object' ? { ...args[0] } : { name: args[0], value: args[1] };
      delete cookie.domain;
      return { ...cookie, path: shift(cookie.path ?? '/') };
    };
    hookMethod(CookieStore.prototype, 'set', (args) => [inside(args)]);
    hookMethod(CookieStore.prototype, 'delete', (args) => {
      const { name, path } = inside(args);
      return [{ name, path }];
    });
  }
})();
