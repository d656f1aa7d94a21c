/** A browser without script: cookies by path, redirects, links and forms. Enough to sign in and consent. */

interface Cookie {
  name: string;
  value: string;
  path: string;
}

export interface Page {
  url: string;
  status: number;
  text: string;
  headers: Headers;
  /** Set when the next redirect leads to another origin, which is where a client waits. */
  leaves: string | null;
}

export interface Form {
  action: string;
  method: string;
  fields: [string, string][];
}

const plain = (text: string): string =>
  text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');

const attribute = (tag: string, name: string): string | null => {
  const match = new RegExp(`\\s${name}="([^"]*)"`).exec(tag);
  return match === null ? null : plain(match[1]!);
};

/** The first form of a page with what its fields hold. */
export const formOf = (page: Page): Form => {
  const match = /<form([^>]*)>([\s\S]*?)<\/form>/.exec(page.text);
  if (match === null) throw new Error(`There is no form at ${page.url} (${page.status}):\n${page.text}`);
  const fields: [string, string][] = [];
  for (const [tag] of match[2]!.matchAll(/<input[^>]*>/g)) {
    const name = attribute(tag, 'name');
    const type = attribute(tag, 'type');
    if (name === null || (type === 'checkbox' && !/\schecked/.test(tag))) continue;
    fields.push([name, attribute(tag, 'value') ?? '']);
  }
  for (const [, head, options] of match[2]!.matchAll(/<select([^>]*)>([\s\S]*?)<\/select>/g)) {
    const chosen = /<option value="([^"]*)" selected/.exec(options!) ?? /<option value="([^"]*)"/.exec(options!);
    fields.push([attribute(head!, 'name')!, chosen![1]!]);
  }
  return {
    action: attribute(match[1]!, 'action') ?? page.url,
    method: attribute(match[1]!, 'method') ?? 'get',
    fields,
  };
};

export class FormBrowser {
  readonly #origin: string;
  readonly #headers: Record<string, string>;
  #cookies: Cookie[] = [];

  constructor(origin: string, headers: Record<string, string> = {}) {
    this.#origin = origin;
    this.#headers = headers;
  }

  setCookie(name: string, value: string, path = '/'): void {
    this.#cookies = [...this.#cookies.filter((c) => c.name !== name || c.path !== path), { name, value, path }];
  }

  cookie(name: string): string | null {
    return this.#cookies.find((cookie) => cookie.name === name)?.value ?? null;
  }

  get cookieValues(): string[] {
    return this.#cookies.map(({ value }) => value);
  }

  clearCookies(): void {
    this.#cookies = [];
  }

  get(url: string): Promise<Page> {
    return this.#go('GET', url);
  }

  post(url: string, fields: Iterable<[string, string]>): Promise<Page> {
    return this.#go('POST', url, new URLSearchParams([...fields]).toString());
  }

  /** Sends the form of a page with other or further fields; null leaves one out. */
  submit(page: Page, changes: Record<string, string | null> = {}): Promise<Page> {
    const form = formOf(page);
    const fields = form.fields.filter(([name]) => !(name in changes));
    for (const [name, value] of Object.entries(changes)) if (value !== null) fields.push([name, value]);
    return this.post(new URL(form.action, page.url).href, fields);
  }

  /** Goes on from wherever an authorization request leads until the client gets its answer. */
  async authorize(
    url: string,
    answer: { email: string; password: string; allow?: boolean; consent?: Record<string, string | null> },
  ): Promise<URL> {
    let page = await this.get(url);
    for (let step = 0; step < 6 && page.leaves === null; step += 1) {
      if (page.text.includes('name="password"'))
        page = await this.submit(page, { email: answer.email, password: answer.password });
      else if (page.text.includes('name="decision"'))
        page = await this.submit(page, { decision: answer.allow === false ? 'deny' : 'allow', ...answer.consent });
      else throw new Error(`The flow ended at ${page.url} with ${page.status}:\n${page.text}`);
    }
    if (page.leaves === null) throw new Error(`The flow went in a circle at ${page.url}`);
    return new URL(page.leaves);
  }

  async #go(method: string, url: string, body?: string): Promise<Page> {
    let [verb, at, form] = [method, new URL(url, this.#origin).href, body];
    for (let hops = 0; hops < 15; hops += 1) {
      const response = await fetch(at, {
        method: verb,
        redirect: 'manual',
        headers: {
          accept: 'text/html',
          ...this.#headers,
          cookie: this.#sent(at),
          ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded', origin: this.#origin }),
        },
        ...(form === undefined ? {} : { body: form }),
      });
      this.#keep(response, at);
      const location = response.headers.get('location');
      if (location === null || response.status < 300 || response.status >= 400)
        return {
          url: at,
          status: response.status,
          text: await response.text(),
          headers: response.headers,
          leaves: null,
        };
      await response.arrayBuffer();
      const next = new URL(location, at).href;
      if (!next.startsWith(`${this.#origin}/`) && next !== this.#origin)
        return { url: at, status: response.status, text: '', headers: response.headers, leaves: next };
      [verb, at, form] = ['GET', next, undefined];
    }
    throw new Error(`Too many redirects from ${url}`);
  }

  #sent(url: string): string {
    const { pathname } = new URL(url);
    return this.#cookies
      .filter(({ path }) => pathname === path || path === '/' || pathname.startsWith(path.replace(/\/?$/, '/')))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
  }

  #keep(response: Response, url: string): void {
    for (const line of response.headers.getSetCookie()) {
      const [pair, ...attributes] = line.split(';').map((part) => part.trim());
      const equals = pair!.indexOf('=');
      const [name, value] = [pair!.slice(0, equals), pair!.slice(equals + 1)];
      const path = attributes.find((one) => /^path=/i.test(one))?.slice(5) ?? new URL(url).pathname;
      const expires = attributes.find((one) => /^expires=/i.test(one))?.slice(8);
      const gone = value === '' || (expires !== undefined && new Date(expires).getTime() <= Date.now());
      this.#cookies = this.#cookies.filter((cookie) => cookie.name !== name || cookie.path !== path);
      if (!gone) this.#cookies.push({ name, value, path });
    }
  }
}
