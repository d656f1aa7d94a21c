import { inputRequired, inputResponse, ProtocolError, type Server } from '@modelcontextprotocol/server';
import type { McpResources } from '../../src/platform/mcp/mcp-face.ts';
import type { McpHost } from '../../src/platform/mcp/mcp-host.ts';
import { systemCaller } from '../../src/platform/operations/caller.ts';
import { startToyServer, type ToyServer } from '../support/mcp-toys.ts';
import { fixtureTools, png } from './fixture-tools.ts';

const resources: McpResources = {
  list: [
    { uri: 'test://static-text', name: 'static-text', description: 'Some text' },
    { uri: 'test://static-binary', name: 'static-binary', description: 'A picture' },
    { uri: 'test://watched-resource', name: 'watched-resource', description: 'Something to watch' },
  ],
  templates: [{ uri_template: 'test://template/{id}/data', name: 'template', description: 'Data by id' }],
  read: async (_call, uri) => {
    if (uri === 'test://static-text') return 'This is the content of the static text resource.';
    if (uri === 'test://static-binary') return Buffer.from(png, 'base64');
    if (uri === 'test://watched-resource') return { watched: true };
    const match = /^test:\/\/template\/([^/]+)\/data$/.exec(uri);
    return match === null ? null : { id: match[1], templateTest: true, data: `Data for ID: ${match[1]}` };
  },
};

const say = (...content: object[]) => ({
  messages: content.map((c) => ({ role: 'user' as const, content: c as never })),
});
const words = (text: string) => ({ type: 'text', text });

const prompts: Record<string, { arguments?: string[]; messages: (args: Record<string, string>) => object }> = {
  test_simple_prompt: { messages: () => say(words('This is a simple prompt for testing.')) },
  test_prompt_with_arguments: {
    arguments: ['arg1', 'arg2'],
    messages: (args) => say(words(`Prompt with arguments: arg1='${args['arg1']}', arg2='${args['arg2']}'`)),
  },
  test_prompt_with_embedded_resource: {
    arguments: ['resourceUri'],
    messages: (args) =>
      say(
        {
          type: 'resource',
          resource: {
            uri: args['resourceUri'],
            mimeType: 'text/plain',
            text: 'Embedded resource content for testing.',
          },
        },
        words('Please process the embedded resource above.'),
      ),
  },
  test_prompt_with_image: {
    messages: () => say({ type: 'image', data: png, mimeType: 'image/png' }, words('Please analyze the image above.')),
  },
};

/** Prompts and completion, which Atrium itself does not have, added the way a module would add them. */
const addPrompts = (server: Server): void => {
  server.registerCapabilities({ prompts: {}, completions: {} });
  server.setRequestHandler('prompts/list', () => ({
    prompts: Object.entries(prompts).map(([name, prompt]) => ({
      name,
      description: `Fixture ${name}`,
      arguments: (prompt.arguments ?? []).map((argument) => ({ name: argument, required: true })),
    })),
  }));
  server.setRequestHandler('prompts/get', ({ params }, context) => {
    if (params.name === 'test_input_required_result_prompt') {
      const answer = inputResponse(context.mcpReq.inputResponses, 'user_context');
      if (answer.kind === 'elicit') return say(words(`Context: ${JSON.stringify(answer.content)}`)) as never;
      const requestedSchema = {
        type: 'object' as const,
        properties: { context: { type: 'string' as const } },
        required: ['context'],
      };
      const message = 'What context should the prompt use?';
      return inputRequired({ inputRequests: { user_context: inputRequired.elicit({ message, requestedSchema }) } });
    }
    if (!Object.hasOwn(prompts, params.name)) throw new ProtocolError(-32602, `Unknown prompt: ${params.name}`);
    return prompts[params.name]!.messages(params.arguments ?? {}) as never;
  });
  server.setRequestHandler('completion/complete', () => ({
    completion: { values: ['paris', 'park', 'party'], hasMore: false },
  }));
};

/** The MCP host with everything that the suite's scenarios call; everybody is let in. */
export const startFixtureServer = async (): Promise<ToyServer> => {
  let host: McpHost;
  const caller = { ...systemCaller({ id: 'org' }), kind: 'agent' as const, id: 'conformance' };
  const server = await startToyServer({
    resources: [resources],
    sources: [fixtureTools(() => host)],
    extend: addPrompts,
    authenticate: async () => caller,
  });
  host = server.host;
  return server;
};
