import type { FastifyInstance } from 'fastify';

interface KnownRoute {
  pattern: RegExp;
  methods: Set<string>;
}

const patternOf = (url: string): RegExp =>
  new RegExp(
    `^${url
      .replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&')
      .replaceAll(/:[A-Za-z_]\w*/g, '[^/]+')
      .replaceAll('*', '.*')}$`,
  );

/** Remembers which methods each path takes, to tell a wrong method (405 with Allow) from an unknown path (404). */
export class RouteMap {
  readonly #routes = new Map<string, KnownRoute>();

  watch(app: FastifyInstance): void {
    app.addHook('onRoute', ({ url, method }) => {
      const route = this.#routes.get(url) ?? { pattern: patternOf(url), methods: new Set() };
      for (const m of [method].flat()) route.methods.add(m);
      this.#routes.set(url, route);
    });
  }

  /** Methods that the path takes, sorted; empty when there is no such path. */
  methodsOf(path: string): string[] {
    const methods = new Set<string>();
    for (const route of this.#routes.values()) {
      if (route.pattern.test(path)) for (const m of route.methods) methods.add(m);
    }
    return [...methods].sort();
  }
}
