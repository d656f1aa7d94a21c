import type { ConnectWay } from '../../ui/connect-card.tsx';

const local = new Set(['localhost', '127.0.0.1', '[::1]']);
const json = (value: unknown): string => JSON.stringify(value, null, 2);

/** Stands where the key would be once it can no longer be shown. */
export const keyPlaceholder = 'atk_YOUR_KEY';

/** Ready lines for each client. `origin` is this server's, without a slash at its end. */
export const connectWays = (origin: string, key: string): ConnectWay[] => {
  const mcp = `${origin}/mcp`;
  const { protocol, hostname } = new URL(origin);
  // mcp-remote refuses plain http to anything but this machine unless it is told that the network is trusted.
  const plain = protocol === 'http:' && !local.has(hostname);
  return [
    {
      id: 'claude-code',
      label: 'Claude Code',
      say: 'Run this in your project. The agent then asks and notifies through Atrium.',
      code: `claude mcp add --transport http atrium ${mcp} --header "Authorization: Bearer ${key}"`,
    },
    {
      id: 'claude-desktop',
      label: 'Claude Desktop',
      say: 'Settings, Developer, Edit Config: add this to claude_desktop_config.json and restart. It needs Node.js; mcp-remote carries the key, which the built-in connectors cannot send.',
      code: json({
        mcpServers: {
          atrium: {
            command: 'npx',
            // Without a space after the colon: Claude Desktop on Windows splits arguments at spaces.
            args: [
              '-y',
              'mcp-remote',
              mcp,
              '--header',
              // biome-ignore lint/suspicious/noTemplateCurlyInString: mcp-remote fills it in from env.
              'Authorization:${AUTH_HEADER}',
              ...(plain ? ['--allow-http'] : []),
            ],
            env: { AUTH_HEADER: `Bearer ${key}` },
          },
        },
      }),
    },
    {
      id: 'cursor',
      label: 'Cursor',
      say: 'Add this to .cursor/mcp.json in your project, or to ~/.cursor/mcp.json for every project.',
      code: json({ mcpServers: { atrium: { url: mcp, headers: { Authorization: `Bearer ${key}` } } } }),
    },
    {
      id: 'mcp',
      label: 'Any MCP client',
      say: 'Streamable HTTP with a header. This is the form most clients read; some call the field "serverUrl".',
      code: json({
        mcpServers: { atrium: { type: 'http', url: mcp, headers: { Authorization: `Bearer ${key}` } } },
      }),
    },
    {
      id: 'curl',
      label: 'curl',
      say: 'Run this in a terminal. A notice appears in the inbox at once.',
      code: [
        `curl ${origin}/api/v1/inbox/notify \\`,
        `  -H "Authorization: Bearer ${key}" \\`,
        `  -H "Content-Type: application/json" \\`,
        `  -d '{"title": "Hello from curl"}'`,
      ].join('\n'),
    },
    {
      id: 'typescript',
      label: 'TypeScript',
      say: 'With the key in ATRIUM_API_KEY. The promise resolves when somebody answers, typed by the schema.',
      code: [
        `import { createAtrium } from '@atrium/sdk';`,
        `import { z } from 'zod';`,
        '',
        `const atrium = createAtrium({ url: '${origin}', token: process.env.ATRIUM_API_KEY });`,
        '',
        'const { deploy } = await atrium.ask({',
        `  title: 'Deploy to production?',`,
        '  schema: z.object({ deploy: z.boolean() }),',
        '});',
      ].join('\n'),
    },
  ];
};
