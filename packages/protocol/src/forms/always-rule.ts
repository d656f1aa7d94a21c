import { z } from 'zod';
import { isObject, jsonEqual, own } from './json-value.ts';

const commandPrefix = z
  .string()
  .max(500)
  .refine((prefix) => prefixWords(prefix) !== null, 'must be plain words without quotes, variables or shell operators');

/**
 * Which calls an "always allow" rule covers.
 *
 * Text is a command prefix, compared word by word with `arguments.command` (or with the arguments themselves when they
 * are text). An object names top-level arguments that must be exactly equal, others are free; `{}` covers only a call
 * without arguments.
 */
export const argumentPrefix = z.union([commandPrefix, z.record(z.string(), z.unknown())]);
export type ArgumentPrefix = z.infer<typeof argumentPrefix>;

export interface AlwaysRule {
  tool: string;
  argument_prefix: ArgumentPrefix;
}

/** Arguments beside `command` that do not change what runs; any other, such as cwd or env, makes the rule ask again. */
const harmless = new Set(['command', 'description', 'timeout', 'timeout_ms', 'timeout_s']);

/** Programs that run their arguments as a command: a prefix of one would allow everything, so only the exact line passes. */
// biome-ignore format: a list
const launchers = new Set([
  'sh', 'bash', 'zsh', 'dash', 'fish', 'ksh', 'csh', 'tcsh', 'cmd', 'cmd.exe', 'powershell', 'pwsh', 'sudo', 'doas', 'su', 'env', 'xargs',
  'eval', 'exec', 'command', 'builtin', 'source', '.', 'nohup', 'time', 'timeout', 'nice', 'ionice', 'setsid', 'stdbuf', 'script',
  'watch', 'parallel', 'ssh', 'node', 'deno', 'bun', 'python', 'python3', 'perl', 'ruby', 'php', 'lua', 'awk', 'busybox', 'find',
  'docker', 'kubectl', 'npx', 'tmux', 'screen', 'chroot', 'nsenter', 'unshare', 'flock', 'strace',
]);

// An allow-list: whatever is not a plain word character, including every quote, operator and line break, asks again.
const plainWords = /^[A-Za-z0-9_./:@,+= \t-]*$/;

const wordsOf = (line: string): string[] | null =>
  plainWords.test(line) ? line.split(/[ \t]+/).filter((word) => word !== '') : null;

const prefixWords = (prefix: string): string[] | null => {
  const words = wordsOf(prefix);
  // `FOO=bar git` would set a variable for the command.
  return words === null || words.length === 0 || words[0]!.includes('=') ? null : words;
};

const commandMatches = (prefix: string, command: unknown): boolean => {
  if (typeof command !== 'string' || command.length > 65_536) return false;
  const expected = prefixWords(prefix);
  const words = wordsOf(command);
  if (expected === null || words === null || words.length < expected.length) return false;
  if (!expected.every((word, i) => words[i] === word)) return false;
  const program = expected[0]!.split('/').at(-1)!.toLowerCase();
  // Two words of a launcher (`docker ps`, `find .`) still hand over the rest of the line.
  return words.length === expected.length || !launchers.has(program);
};

/**
 * Whether a rule lets a call pass unasked. Refuses when in doubt: the price of a wrong no is one more question. A prefix
 * gives away every further plain argument, so `git status` also allows `git status -s`. Expiry and revocation are the
 * caller's to check, in the statement that loads the rule.
 */
export const matchesAlwaysRule = (rule: AlwaysRule, tool: string, args: unknown): boolean => {
  if (rule.tool !== tool) return false;
  const { argument_prefix: prefix } = rule;
  if (typeof prefix === 'string') {
    if (typeof args === 'string') return commandMatches(prefix, args);
    if (!isObject(args) || !Object.keys(args).every((key) => harmless.has(key))) return false;
    return commandMatches(prefix, own(args, 'command'));
  }
  if (!isObject(prefix) || !isObject(args)) return false;
  const names = Object.keys(prefix);
  if (names.length === 0) return Object.keys(args).length === 0;
  return names.every((name) => Object.hasOwn(args, name) && jsonEqual(prefix[name], args[name]));
};
