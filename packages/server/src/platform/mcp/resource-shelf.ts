import {
  type ProtocolError,
  type ReadResourceResult,
  type Resource,
  ResourceNotFoundError,
  type ResourceTemplateType,
} from '@modelcontextprotocol/server';
import { translateDatabaseError } from '../db/database-errors.ts';
import { AppError } from '../errors/app-error.ts';
import { refusalOf, unexpected } from './mcp-errors.ts';
import type { McpContentSource, McpResources } from './mcp-face.ts';
import type { McpHostOptions } from './mcp-options.ts';
import { plainCallOf, type RequestFacts } from './request-facts.ts';

/** The resources of all modules as one list. */
export class ResourceShelf {
  readonly list: readonly Resource[];
  readonly templates: readonly ResourceTemplateType[];
  readonly #modules: readonly McpResources[];
  readonly #log: McpHostOptions['log'];
  readonly #sources: readonly McpContentSource[];

  constructor(modules: readonly McpResources[], log: McpHostOptions['log'], sources: readonly McpContentSource[] = []) {
    this.#sources = sources;
    this.#modules = modules;
    this.#log = log;
    this.list = modules.flatMap((m) => m.list.map((r) => ({ ...r, mimeType: 'application/json' })));
    this.templates = modules.flatMap((m) =>
      m.templates.map(({ uri_template, ...t }) => ({ ...t, uriTemplate: uri_template, mimeType: 'application/json' })),
    );
  }

  /** Those of the modules, and what sources have for this caller. */
  async listFor(facts: RequestFacts): Promise<Resource[]> {
    const more = await Promise.all(this.#sources.map((source) => source.resources(plainCallOf(facts))));
    return [...this.list, ...more.flat()];
  }

  async read(uri: string, facts: RequestFacts): Promise<ReadResourceResult> {
    try {
      const call = plainCallOf(facts);
      for (const module of this.#modules) {
        const content = await module.read(call, uri);
        if (content !== null) return { contents: [contentsOf(uri, content)] };
      }
      for (const source of this.#sources) {
        const result = await source.read(call, uri);
        if (result !== null) return result;
      }
    } catch (error) {
      throw this.#told(error, uri, facts);
    }
    throw new ResourceNotFoundError(uri);
  }

  canonical(uri: string): string {
    return this.#modules.reduce((name, module) => module.canonical?.(name) ?? name, uri);
  }

  changedBy(event: { kind: string; id: string }): string[] {
    return this.#modules.flatMap((module) => module.changedBy?.(event) ?? []);
  }

  #told(thrown: unknown, uri: string, facts: RequestFacts): ProtocolError {
    const error = translateDatabaseError(thrown);
    if (error instanceof AppError && error.code === 'not_found') return new ResourceNotFoundError(uri);
    const refusal = refusalOf(error);
    if (refusal !== null) return refusal;
    this.#log.error({ err: error, request_id: facts.request_id, uri }, 'An MCP resource failed.');
    return unexpected(facts.request_id);
  }
}

const contentsOf = (uri: string, content: unknown): ReadResourceResult['contents'][number] => {
  if (typeof content === 'string') return { uri, mimeType: 'text/plain', text: content };
  if (content instanceof Uint8Array) {
    return { uri, mimeType: 'application/octet-stream', blob: Buffer.from(content).toString('base64') };
  }
  return { uri, mimeType: 'application/json', text: JSON.stringify(content) };
};
