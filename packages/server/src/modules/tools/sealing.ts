import { serverPlace, type ToolsParts } from './tools-parts.ts';
import type { ServerRow, ServerSecrets } from './tools-rows.ts';

type Box = Pick<ToolsParts, 'secrets'>;

export const sealServer = ({ secrets }: Box, id: string, given: ServerSecrets): string | null => {
  const empty = given.args.length === 0 && Object.keys({ ...given.env, ...given.headers }).length === 0;
  return empty ? null : secrets.encrypt(JSON.stringify(given), serverPlace(id));
};

export const unsealServer = ({ secrets }: Box, { id, sealed }: Pick<ServerRow, 'id' | 'sealed'>): ServerSecrets =>
  sealed === null
    ? { args: [], env: {}, headers: {} }
    : (JSON.parse(secrets.decrypt(sealed, serverPlace(id))) as ServerSecrets);
