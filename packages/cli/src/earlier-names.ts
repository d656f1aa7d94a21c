/** How commands are called by the program that came before this one, and what they are here. */
export const earlierNames: readonly (readonly [before: string, here: string])[] = [
  ['register', 'agent register'],
  ['recover', 'agent recover'],
  ['info', 'agent info'],
  ['sign', 'agent sign'],
  ['ssh-key', 'agent ssh-key'],
  ['git setup', 'agent git-setup'],
  ['config repair', 'agent config-repair'],
  ['agents lookup', 'agent lookup'],
  ['vouch issue', 'vouchers create'],
  ['vouch list', 'vouchers list'],
  ['version', '--version'],
];

const takesValue = new Set(['--profile', '--url']);

/** Where the words of a command begin, behind the options of the program. */
const firstWord = (args: readonly string[]): number => {
  let at = 0;
  while (args[at]?.startsWith('-') === true) at += takesValue.has(args[at]!) ? 2 : 1;
  return at;
};

/** A command line with the names of here. */
export const withNamesOfHere = (args: readonly string[]): string[] => {
  const at = firstWord(args);
  for (const [before, here] of earlierNames) {
    const words = before.split(' ');
    if (!words.every((word, n) => args[at + n] === word)) continue;
    const rest = args.slice(at + words.length).map((one) => one.replace(/^--api-url(?=$|=)/, '--url'));
    return [...args.slice(0, at), ...here.split(' '), ...rest];
  }
  return [...args];
};
