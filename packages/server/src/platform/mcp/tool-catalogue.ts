import type { Tool } from '@modelcontextprotocol/server';
import { isAllowed } from '../operations/authorize.ts';
import type { Binding } from '../operations/binding.ts';
import type { Caller } from '../operations/caller.ts';
import type { JsonSchema } from './schema-size.ts';
import { inputSchemaOf, type OutputShape, outputSchemaOf } from './tool-schema.ts';

/** One operation as a tool, its schemas made once. */
export interface ToolEntry {
  binding: Binding;
  tool: Tool;
  input: JsonSchema;
  shape: OutputShape;
  metered: boolean;
}

const mostLists = 500;

/** The tools that operations give, by name and alias, and which of them a caller may use. */
export class ToolCatalogue {
  /** Schemas are made when somebody asks for a tool: a start needs none of them. */
  readonly #entries: (() => ToolEntry)[] = [];
  readonly #byName = new Map<string, () => ToolEntry>();
  /** Lists by what decides about them; there are as many as there are roles and scope sets in use. */
  readonly #lists = new Map<string, readonly Tool[]>();

  constructor(bindings: readonly Binding[]) {
    for (const binding of bindings) {
      const { mcp } = binding.operation;
      if (mcp === undefined) continue;
      refuseOtherBodies(binding);
      let made: ToolEntry | null = null;
      const entry = (): ToolEntry => (made ??= entryOf(binding));
      this.#entries.push(entry);
      for (const name of [mcp.tool, ...(mcp.aliases ?? [])]) {
        if (this.#byName.has(name))
          throw new Error(`Two operations claim the MCP tool ${name}: the second is ${binding.operation.name}.`);
        this.#byName.set(name, entry);
      }
    }
  }

  find(name: string): ToolEntry | undefined {
    return this.#byName.get(name)?.();
  }

  list(caller: Caller): readonly Tool[] {
    const key = [
      caller.kind,
      caller.is_operator,
      [...caller.scopes].sort().join(' '),
      [...caller.permissions].sort().join(' '),
    ].join('|');
    const known = this.#lists.get(key);
    if (known !== undefined) return known;
    const list = this.#entries.flatMap((entry) => {
      const { binding, tool } = entry();
      return isAllowed(binding.operation, caller) ? [tool] : [];
    });
    if (this.#lists.size >= mostLists) this.#lists.clear();
    this.#lists.set(key, list);
    return list;
  }
}

const refuseOtherBodies = ({ operation }: Binding): void => {
  if ((operation.body ?? 'json') !== 'json' || (operation.answer ?? 'json') !== 'json')
    throw new Error(`${operation.name} cannot be an MCP tool: its body or answer is not JSON.`);
};

const entryOf = (binding: Binding): ToolEntry => {
  const { operation } = binding;
  const face = operation.mcp!;
  const reads = face.read_only ?? operation.method === 'GET';
  const input = inputSchemaOf(operation);
  const { shape, schema } = outputSchemaOf(operation);
  const tool: Tool = {
    name: face.tool,
    title: face.title,
    description: operation.description ?? operation.summary,
    inputSchema: input as Tool['inputSchema'],
    ...(schema !== null && { outputSchema: schema as NonNullable<Tool['outputSchema']> }),
    annotations: {
      title: face.title,
      readOnlyHint: reads,
      destructiveHint: reads ? false : (face.destructive ?? operation.method === 'DELETE'),
      idempotentHint: reads || (face.idempotent ?? (operation.method === 'PUT' || operation.method === 'DELETE')),
      openWorldHint: face.open_world ?? false,
    },
  };
  return { binding, tool, input, shape, metered: face.metered !== false };
};
