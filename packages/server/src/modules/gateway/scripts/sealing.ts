import type { ScriptsParts } from './scripts-parts.ts';

type Box = Pick<ScriptsParts, 'secrets'>;

/** Texts by name as one sealed document; null when there are none. */
export const seal = ({ secrets }: Box, values: Readonly<Record<string, string>>, place: string): string | null =>
  Object.keys(values).length === 0 ? null : secrets.encrypt(JSON.stringify(values), place);

export const unseal = ({ secrets }: Box, sealed: string | null, place: string): Record<string, string> =>
  sealed === null ? {} : (JSON.parse(secrets.decrypt(sealed, place)) as Record<string, string>);
