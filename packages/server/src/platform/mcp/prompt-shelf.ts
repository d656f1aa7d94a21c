import { type GetPromptResult, type Prompt, ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import { translateDatabaseError } from '../db/database-errors.ts';
import { isAllowed } from '../operations/authorize.ts';
import type { Caller } from '../operations/caller.ts';
import { unstorableMembers } from '../operations/storable-input.ts';
import { refusalOf, unexpected } from './mcp-errors.ts';
import type { McpContentSource, McpPrompt } from './mcp-face.ts';
import type { McpHostOptions } from './mcp-options.ts';
import { plainCallOf, type RequestFacts } from './request-facts.ts';

const mayUse = (prompt: McpPrompt, caller: Caller): boolean =>
  prompt.leads_to.every((operation) => isAllowed(operation, caller));

const wrong = (message: string): ProtocolError => new ProtocolError(ProtocolErrorCode.InvalidParams, message);

const unknownPrompt = (name: string): ProtocolError => wrong(`Unknown prompt: ${name.slice(0, 100)}`);

/** The arguments that the prompt has, each a text; the rest is refused by name. */
const argumentsFor = (prompt: McpPrompt, given: Readonly<Record<string, unknown>>): Record<string, string> => {
  const known = new Set(prompt.arguments.map(({ name }) => name));
  const texts = Object.entries(given).map(([name, value]) => {
    if (!known.has(name)) throw wrong(`${prompt.name} has no argument ${name.slice(0, 100)}.`);
    if (typeof value !== 'string') throw wrong(`${name} must be a text.`);
    return [name, value] as const;
  });
  const [unstorable] = unstorableMembers(given);
  if (unstorable !== undefined) throw wrong(`${unstorable.path} ${unstorable.message}.`);
  const args = Object.fromEntries(texts);
  const missing = prompt.arguments.find(({ name, required }) => required && (args[name] ?? '') === '');
  if (missing !== undefined) throw wrong(`${prompt.name} needs the argument ${missing.name}.`);
  return args;
};

/** The prompts of all modules as one list. */
export class PromptShelf {
  readonly #prompts: readonly McpPrompt[];
  readonly #log: McpHostOptions['log'];
  readonly #sources: readonly McpContentSource[];

  constructor(prompts: readonly McpPrompt[], log: McpHostOptions['log'], sources: readonly McpContentSource[] = []) {
    this.#sources = sources;
    this.#prompts = prompts;
    this.#log = log;
  }

  list(caller: Caller): Prompt[] {
    return this.#prompts
      .filter((prompt) => mayUse(prompt, caller))
      .map((prompt) => ({
        name: prompt.name,
        title: prompt.title,
        description: prompt.description,
        arguments: prompt.arguments.map((argument) => ({ ...argument })),
      }));
  }

  /** Those of the modules, and what sources have for this caller. */
  async listFor(facts: RequestFacts): Promise<Prompt[]> {
    const more = await Promise.all(this.#sources.map((source) => source.prompts(plainCallOf(facts))));
    return [...this.list(facts.caller), ...more.flat()];
  }

  async get(name: string, given: Readonly<Record<string, unknown>>, facts: RequestFacts): Promise<GetPromptResult> {
    const prompt = this.#prompts.find((one) => one.name === name);
    if (prompt !== undefined && !mayUse(prompt, facts.caller)) throw unknownPrompt(name);
    const args = prompt === undefined ? null : argumentsFor(prompt, given);
    try {
      if (prompt === undefined || args === null) return await this.#fromSources(name, given, facts);
      const text = await prompt.text(plainCallOf(facts), args);
      return { description: prompt.description, messages: [{ role: 'user', content: { type: 'text', text } }] };
    } catch (thrown) {
      const error = translateDatabaseError(thrown);
      const refusal = refusalOf(error);
      if (refusal !== null) throw refusal;
      this.#log.error({ err: error, request_id: facts.request_id, prompt: name }, 'An MCP prompt failed.');
      throw unexpected(facts.request_id);
    }
  }

  async #fromSources(
    name: string,
    given: Readonly<Record<string, unknown>>,
    facts: RequestFacts,
  ): Promise<GetPromptResult> {
    for (const source of this.#sources) {
      const result = await source.prompt(plainCallOf(facts), name, given);
      if (result !== null) return result;
    }
    throw unknownPrompt(name);
  }
}
