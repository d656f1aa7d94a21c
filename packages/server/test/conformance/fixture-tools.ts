import {
  type CallToolResult,
  type InputRequest,
  type InputRequiredResult,
  inputRequired,
  inputResponse,
  MissingRequiredClientCapabilityError,
  type ServerContext,
  type Tool,
} from '@modelcontextprotocol/server';
import type { McpToolSource } from '../../src/platform/mcp/mcp-face.ts';
import type { McpHost } from '../../src/platform/mcp/mcp-host.ts';
import type { Call } from '../../src/platform/operations/call.ts';

/** One red pixel, and the shortest WAV there is. */
export const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
const wav = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=';

type Result = CallToolResult | InputRequiredResult;
type Run = (
  context: ServerContext,
  args: Record<string, unknown>,
  call: Call,
  host: McpHost,
) => Promise<Result> | Result;

const text = (value: string): CallToolResult => ({ content: [{ type: 'text', text: value }] });
const image = { type: 'image' as const, data: png, mimeType: 'image/png' };
const pause = () => new Promise((resolve) => setTimeout(resolve, 50));
const nameForm = { type: 'object' as const, properties: { name: { type: 'string' as const } }, required: ['name'] };
const question = (message: string, words = 100) => ({
  messages: [{ role: 'user' as const, content: { type: 'text' as const, text: message } }],
  maxTokens: words,
});

const elicited = async (context: ServerContext, message: string, requestedSchema: object): Promise<CallToolResult> => {
  const options = { relatedRequestId: context.mcpReq.id };
  const result = await context.mcpReq.elicitInput({ message, requestedSchema } as never, options);
  return text(`Elicitation completed: action=${result.action}, content=${JSON.stringify(result.content)}`);
};

/** Tools of the session revisions: content of every type, and requests to the client on the stream of the call. */
const sessionTools: Record<string, Run> = {
  test_simple_text: () => text('This is a simple text response for testing.'),
  test_image_content: () => ({ content: [image] }),
  test_audio_content: () => ({ content: [{ type: 'audio', data: wav, mimeType: 'audio/wav' }] }),
  test_embedded_resource: () => ({
    content: [
      {
        type: 'resource',
        resource: {
          uri: 'test://embedded-resource',
          mimeType: 'text/plain',
          text: 'This is an embedded resource content.',
        },
      },
    ],
  }),
  test_multiple_content_types: () => ({
    content: [
      { type: 'text', text: 'Multiple content types test:' },
      image,
      {
        type: 'resource',
        resource: {
          uri: 'test://mixed-content-resource',
          mimeType: 'application/json',
          text: '{"test":"data","value":123}',
        },
      },
    ],
  }),
  test_error_handling: () => {
    throw new Error('This tool intentionally returns an error for testing');
  },
  test_tool_with_logging: async (context) => {
    for (const line of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
      await context.mcpReq.log('info', line);
      await pause();
    }
    return text('Logged.');
  },
  test_tool_with_progress: async (_context, _args, call) => {
    for (const progress of [0, 50, 100]) {
      call.progress({ progress, total: 100 });
      await pause();
    }
    return text('Done.');
  },
  test_sampling: async (context, args) => {
    const options = { relatedRequestId: context.mcpReq.id };
    const { content } = await context.mcpReq.requestSampling(question(String(args['prompt'])), options);
    return text(`LLM response: ${JSON.stringify(content)}`);
  },
  test_elicitation: (context, args) =>
    elicited(context, String(args['message']), {
      type: 'object',
      properties: { username: { type: 'string' }, email: { type: 'string' } },
      required: ['username', 'email'],
    }),
  test_elicitation_sep1034_defaults: (context) =>
    elicited(context, 'Defaults', {
      type: 'object',
      properties: {
        name: { type: 'string', default: 'John Doe' },
        age: { type: 'integer', default: 30 },
        score: { type: 'number', default: 95.5 },
        status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
        verified: { type: 'boolean', default: true },
      },
    }),
  test_elicitation_sep1330_enums: (context) => {
    const options = ['option1', 'option2', 'option3'];
    const titled = [
      { const: 'value1', title: 'First Option' },
      { const: 'value2', title: 'Second Option' },
      { const: 'value3', title: 'Third Option' },
    ];
    const legacy = { enum: ['opt1', 'opt2', 'opt3'], enumNames: ['Option One', 'Option Two', 'Option Three'] };
    return elicited(context, 'Enums', {
      type: 'object',
      properties: {
        untitledSingle: { type: 'string', enum: options },
        titledSingle: { type: 'string', oneOf: titled },
        legacyEnum: { type: 'string', ...legacy },
        untitledMulti: { type: 'array', items: { type: 'string', enum: options } },
        titledMulti: { type: 'array', items: { anyOf: titled } },
      },
    });
  },
};

const answered = (context: ServerContext, key: string): boolean =>
  inputResponse(context.mcpReq.inputResponses, key).kind !== 'missing';

const withState = async (
  inputRequests: Record<string, InputRequest>,
  state: unknown,
  context: ServerContext,
  host: McpHost,
) => inputRequired({ inputRequests, requestState: await host.sealState(state, context) });

/** Asks for one thing without state, and answers once it is there. */
const askOnce =
  (key: string, request: InputRequest, done: (value: unknown) => string): Run =>
  (context) =>
    answered(context, key)
      ? text(done(context.mcpReq.inputResponses?.[key]))
      : inputRequired({ inputRequests: { [key]: request } });

/** Tools of revision 2026-07-28: the answer of a call may be a question. */
const statelessTools: Record<string, Run> = {
  test_missing_capability: () => {
    throw new MissingRequiredClientCapabilityError({ requiredCapabilities: { sampling: {} } });
  },
  test_logging_tool: async (context) => {
    await context.mcpReq.log('info', 'Only for those who asked');
    return text('Logged.');
  },
  test_streaming_elicitation: async (_context, _args, call) => {
    call.progress({ progress: 1 });
    await pause();
    return text('Streamed.');
  },
  test_trigger_tool_change: async (_context, _args, _call, host) => {
    await host.toolsChanged();
    return text('Changed.');
  },
  test_input_required_result_elicitation: askOnce(
    'user_name',
    inputRequired.elicit({ message: 'What is your name?', requestedSchema: nameForm }),
    (value) => `Hello, ${(value as { content?: { name?: string } }).content?.name}!`,
  ),
  test_input_required_result_sampling: askOnce(
    'capital_question',
    inputRequired.createMessage(question('What is the capital of France?')),
    (value) => `The model says ${JSON.stringify((value as { content: unknown }).content)}`,
  ),
  test_input_required_result_list_roots: askOnce(
    'client_roots',
    inputRequired.listRoots(),
    (value) => `Roots: ${JSON.stringify((value as { roots: unknown }).roots)}`,
  ),
  test_input_required_result_request_state: (context, _args, _call, host) => {
    if (answered(context, 'confirm') && context.mcpReq.requestState() === 'confirming') return text('state-ok');
    const requestedSchema = {
      type: 'object' as const,
      properties: { ok: { type: 'boolean' as const } },
      required: ['ok'],
    };
    return withState(
      { confirm: inputRequired.elicit({ message: 'Please confirm', requestedSchema }) },
      'confirming',
      context,
      host,
    );
  },
  test_input_required_result_tampered_state: (context, _args, _call, host) => {
    if (context.mcpReq.requestState() === 'sealed') return text('state-ok');
    return withState(
      { confirm: inputRequired.elicit({ message: 'Please confirm', requestedSchema: nameForm }) },
      'sealed',
      context,
      host,
    );
  },
  test_input_required_result_multiple_inputs: (context, _args, _call, host) => {
    if (['user_name', 'greeting', 'client_roots'].every((key) => answered(context, key)))
      return text('All three came.');
    const requests = {
      user_name: inputRequired.elicit({ message: 'What is your name?', requestedSchema: nameForm }),
      greeting: inputRequired.createMessage(question('Generate a greeting', 50)),
      client_roots: inputRequired.listRoots(),
    };
    return withState(requests, 'three', context, host);
  },
  // By the face that handlers use, which keeps the earlier answers in the state.
  test_input_required_result_multi_round: async (_context, _args, call) => {
    const name = await call.elicit!.ask({ message: 'Step 1: What is your name?', requested_schema: nameForm });
    const colour = { type: 'object', properties: { color: { type: 'string' } }, required: ['color'] };
    const answer = await call.elicit!.ask({
      message: 'Step 2: What is your favorite color?',
      requested_schema: colour,
    });
    return text(`Both came: ${JSON.stringify([name, answer])}`);
  },
  test_input_required_result_capabilities: (context) => {
    const envelope = context.mcpReq.envelope as Record<string, { elicitation?: object; sampling?: object }> | undefined;
    const declared = envelope?.['io.modelcontextprotocol/clientCapabilities'];
    const requests: Record<string, InputRequest> = {};
    if (declared?.elicitation) requests['name'] = inputRequired.elicit({ message: 'Name?', requestedSchema: nameForm });
    if (declared?.sampling) requests['greeting'] = inputRequired.createMessage(question('Generate a greeting'));
    return Object.keys(requests).length === 0 ? text('Nothing to ask.') : inputRequired({ inputRequests: requests });
  },
};

const tools = { ...sessionTools, ...statelessTools };

const argumentsOf: Record<string, object> = {
  test_sampling: { prompt: { type: 'string' } },
  test_elicitation: { message: { type: 'string' } },
};

const json2020 = {
  name: 'json_schema_2020_12_tool',
  description: 'Tool with JSON Schema 2020-12 features',
  inputSchema: {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    $defs: {
      address: {
        $anchor: 'addressDef',
        type: 'object',
        properties: { street: { type: 'string' }, city: { type: 'string' } },
      },
    },
    properties: {
      name: { type: 'string' },
      address: { $ref: '#/$defs/address' },
      contactMethod: { type: 'string', enum: ['phone', 'email'] },
      phone: { type: 'string' },
      email: { type: 'string' },
    },
    allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
    if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: { required: ['phone'] },
    else: { required: ['email'] },
    additionalProperties: false,
  },
} as Tool;

/** The tools that the public conformance suite expects of a server under test. */
export const fixtureTools = (host: () => McpHost): McpToolSource => ({
  list: () => [
    ...Object.keys(tools).map((name) => ({
      name,
      description: `Fixture ${name}`,
      inputSchema: { type: 'object' as const, properties: argumentsOf[name] ?? {} } as Tool['inputSchema'],
    })),
    json2020,
  ],
  call: async (call, name, args, context) =>
    Object.hasOwn(tools, name) ? tools[name]!(context, args, call, host()) : null,
});
