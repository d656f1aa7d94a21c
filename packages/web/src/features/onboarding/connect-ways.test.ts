import { expect, test } from 'vitest';
import { connectWays } from './connect-ways.ts';

const codeOf = (origin: string, id: string): string =>
  connectWays(origin, 'atk_secret').find((way) => way.id === id)!.code;

test('every way but TypeScript carries the key, and every way the address of this server', () => {
  for (const way of connectWays('https://atrium.example', 'atk_secret')) {
    expect(way.code).toContain('https://atrium.example');
    expect(way.code.includes('atk_secret')).toBe(way.id !== 'typescript');
  }
});

test('the line of Claude Code adds the server by Streamable HTTP with its header', () => {
  expect(codeOf('http://localhost:4400', 'claude-code')).toBe(
    'claude mcp add --transport http atrium http://localhost:4400/mcp --header "Authorization: Bearer atk_secret"',
  );
});

test.each(['claude-desktop', 'cursor', 'mcp'])('the configuration for %s is JSON', (id) => {
  expect(() => JSON.parse(codeOf('https://atrium.example', id))).not.toThrow();
});

test('the bridge of Claude Desktop is told to trust plain http only off this machine', () => {
  expect(codeOf('http://192.168.1.20:4400', 'claude-desktop')).toContain('--allow-http');
  expect(codeOf('http://localhost:4400', 'claude-desktop')).not.toContain('--allow-http');
  expect(codeOf('https://atrium.example', 'claude-desktop')).not.toContain('--allow-http');
});

test('no argument of the bridge holds a space, because Windows would split it', () => {
  const { args } = JSON.parse(codeOf('https://atrium.example', 'claude-desktop')).mcpServers.atrium as {
    args: string[];
  };
  expect(args.filter((argument) => argument.includes(' '))).toEqual([]);
});
