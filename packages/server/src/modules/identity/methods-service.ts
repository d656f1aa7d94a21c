import type { Call } from '../../platform/operations/call.ts';
import type { IdentityContext } from './identity-context.ts';
import { passkeysWork } from './passkeys-service.ts';
import { providersStore } from './providers-store.ts';

/** Which ways in this server has, for the page that shows them. */
export const createMethodsService = ({ database, mail, options }: IdentityContext) => ({
  list: async (_call: Call) => ({
    password: true,
    passkey: passkeysWork(options.public_url()),
    magic_link: true,
    mail: mail.kind,
    providers: await providersStore.enabled(database.read),
  }),
});

export type MethodsService = ReturnType<typeof createMethodsService>;
