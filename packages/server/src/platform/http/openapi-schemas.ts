import { z } from 'zod';

type Json = Record<string, unknown>;

/**
 * Collects the schemas of a document under names. A schema that zod reports as shared (`$defs`) becomes a component of
 * its own; equal schemas share one name, different ones with the same name are told apart by a number.
 */
export class SchemaCollector {
  readonly #byName = new Map<string, Json>();
  readonly #nameOf = new Map<string, string>();

  put(name: string, schema: Json): string {
    const text = JSON.stringify(schema);
    const known = this.#nameOf.get(text);
    if (known !== undefined) return known;
    let free = name;
    for (let n = 2; this.#byName.has(free); n++) free = `${name}${n}`;
    this.#byName.set(free, schema);
    this.#nameOf.set(text, free);
    return free;
  }

  /** Adds a zod type as a component and gives the reference to it. */
  add(name: string, type: z.ZodType, io: 'input' | 'output'): Json {
    return { $ref: `#/components/schemas/${this.put(name, this.#convert(name, type, io))}` };
  }

  /** The schema itself, for places that need its members one by one. */
  inline(type: z.ZodType): Json {
    return this.#convert('Shared', type, 'input');
  }

  all(): Json {
    return Object.fromEntries([...this.#byName].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #convert(owner: string, type: z.ZodType, io: 'input' | 'output'): Json {
    const {
      $schema: _dialect,
      $defs,
      ...schema
    } = z.toJSONSchema(type, { io, unrepresentable: 'any' }) as Json & { $defs?: Record<string, Json> };
    // `#` is a type that contains itself; it refers to the component that this becomes.
    const names = new Map<string, string>([['#', owner]]);
    const definitions = Object.entries($defs ?? {});
    // Recursive definitions refer to one another, so all names are reserved before any reference is rewritten.
    for (const [local] of definitions)
      names.set(local, local.startsWith('__') ? `${owner}${local.replaceAll('_', '')}` : local);
    for (const [local, definition] of definitions) {
      const wanted = names.get(local)!;
      const given = this.put(wanted, rewriteReferences(definition, names) as Json);
      if (given !== wanted) names.set(local, given);
    }
    return rewriteReferences(schema, names) as Json;
  }
}

const rewriteReferences = (node: unknown, names: ReadonlyMap<string, string>): unknown => {
  if (Array.isArray(node)) return node.map((n) => rewriteReferences(n, names));
  if (typeof node !== 'object' || node === null) return node;
  const rewritten: Json = {};
  for (const [key, value] of Object.entries(node)) {
    // zod repeats a definition's own name inside it; in a component it would be a relative address.
    if (key === 'id' && typeof value === 'string' && names.has(value)) continue;
    if (key === '$ref' && typeof value === 'string') {
      const local = value.replace('#/$defs/', '');
      rewritten[key] = `#/components/schemas/${names.get(local) ?? local}`;
    } else rewritten[key] = rewriteReferences(value, names);
  }
  return rewritten;
};
