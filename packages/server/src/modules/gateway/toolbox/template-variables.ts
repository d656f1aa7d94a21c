import { randomBytes } from 'node:crypto';
import type { ToolboxVariable } from '@atrium/protocol';
import type { Values, VariableUse } from './interpolation.ts';

/** Filled in by the toolbox; nobody is asked for them. */
export const filledIn = ['SERVICE_NAME', 'BASE_URL', 'DATA_DIR'] as const;

const secretName = /(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIAL|(?:^|_)(?:KEY|PASS|PWD)$)/i;
const flags = ['true', 'false', 'yes', 'no', 'on', 'off'];

export const isSecretName = (name: string): boolean => secretName.test(name);

const typeOf = (name: string, byDefault: string | null): ToolboxVariable['type'] => {
  if (isSecretName(name)) return 'password';
  if (byDefault !== null && flags.includes(byDefault.toLowerCase())) return 'boolean';
  if (/(?:^|_)PORT$/i.test(name)) return 'number';
  return 'text';
};

const known: Readonly<Record<string, string>> = { TZ: 'Time zone', PUID: 'User id', PGID: 'Group id' };

/** `DB_PASSWORD` → `Db password`. */
const labelOf = (name: string): string => {
  const words = name.toLowerCase().split('_').filter(Boolean).join(' ');
  return known[name] ?? (words[0] ?? '').toUpperCase() + words.slice(1);
};

/** One variable of all its uses: needed when one of them needs it, with the first default that is given. */
export const variablesOf = (
  uses: readonly VariableUse[],
  labels: Readonly<Record<string, string>>,
): ToolboxVariable[] => {
  const byName = Map.groupBy(
    uses.filter(({ name }) => !(filledIn as readonly string[]).includes(name)),
    ({ name }) => name,
  );
  return [...byName].map(([name, all]) => {
    const byDefault = all.find((use) => use.default !== null)?.default ?? null;
    const required = all.some((use) => use.required);
    const type = typeOf(name, byDefault);
    return {
      name,
      label: labels[name] ?? labelOf(name),
      type,
      required,
      default: byDefault,
      generated: type === 'password' && required,
      message: all.find(({ message }) => message !== null)?.message ?? null,
    };
  });
};

/** 24 random bytes in letters that no file and no shell reads as anything else. */
const madeUp = (): string => randomBytes(24).toString('base64url').replaceAll('-', 'a').replaceAll('_', 'b');

/** Passwords for those that need one and have none. */
export const withGenerated = (given: Values, variables: readonly ToolboxVariable[]): Record<string, string> => ({
  ...given,
  ...Object.fromEntries(
    variables.filter(({ name, generated }) => generated && !given[name]).map(({ name }) => [name, madeUp()]),
  ),
});

/** Something for each that is needed, to look at a template before anybody filled it in. */
export const sampleValues = (variables: readonly ToolboxVariable[]): Record<string, string> =>
  Object.fromEntries(
    variables.filter(({ required }) => required).map(({ name, type }) => [name, type === 'number' ? '8080' : 'sample']),
  );
