import { KeptConnection } from '../../platform/db/kept-connection.ts';
import type { RevocationKind } from './stores/revocations-store.ts';

/** What another replica, or this one, changed. */
export interface OauthNotice {
  table: string;
  key: string;
  kind: RevocationKind | null;
  before: string | null;
  expires_at: string | null;
}

/** Hears what the triggers of this module's tables say. */
export const createOauthListener = (options: {
  url: string;
  onNotice: (notice: OauthNotice) => void;
  /** After each connect: something may have been missed. */
  onConnect: () => Promise<void>;
  onError: (error: unknown) => void;
}): KeptConnection =>
  new KeptConnection({
    url: options.url,
    name: 'atrium oauth',
    prepare: async (client) => {
      client.on('notification', ({ payload = '' }) => {
        try {
          options.onNotice(JSON.parse(payload) as OauthNotice);
        } catch (error) {
          options.onError(error);
        }
      });
      await client.query('listen atrium_oauth');
      await options.onConnect();
    },
    onError: options.onError,
  });
