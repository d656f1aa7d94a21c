import { stepOf, totpCode } from '../../packages/server/src/modules/identity/totp.ts';
import type { PlainJourney } from '../../packages/server/test/support/plain-pages.ts';
import { createRestClient } from '../../packages/server/test/support/rest-client.ts';
import { done, type SeedOrganisation, seedPassword } from './organisation.ts';

const clientNamed = async (org: SeedOrganisation, name: string): Promise<string> => {
  const { items } = done(await org.owner.get('/api/v1/admin/oauth/clients?limit=200'));
  const found = (items as { name: string; client_id: string }[]).find((client) => client.name === name);
  if (found === undefined) throw new Error(`the seed makes no client ${name}`);
  return found.client_id;
};

/** A person of the seed with a second factor, on the way to three clients. Each journey is that of a new program. */
export const plainJourney = async (
  origin: string,
  org: SeedOrganisation,
  redirect_uri: string,
): Promise<{ fresh: () => Promise<PlainJourney> }> => {
  const person = org.people.find(({ name }) => name.startsWith('Adaeze'))!;
  const factors = '/api/v1/me/factors/totp';
  const { secret } = done(await person.post(factors));
  const code = totpCode(secret, stepOf(new Date()) - 1);
  const codes: string[] = done(await person.post(`${factors}/confirm`, { code })).recovery_codes;
  const [known, device] = [await clientNamed(org, 'Grafana'), await clientNamed(org, 'Warehouse scanner')];
  const anonymous = createRestClient(origin);
  return {
    fresh: async () => {
      const registration = {
        ...{ client_name: 'Claude Code', redirect_uris: [redirect_uri], token_endpoint_auth_method: 'none' },
        ...{ grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'] },
      };
      return {
        origin,
        person: { email: person.email, password: seedPassword, code: () => codes.pop()! },
        app: {
          client_id: done(await anonymous.post('/oauth/register', registration)).client_id,
          ...{ redirect_uri, scope: 'openid inbox:read inbox:write' },
        },
        known: {
          client_id: known,
          redirect_uri: 'https://grafana.northwind.example/login/generic_oauth',
          scope: 'openid profile email org',
        },
        device: { client_id: device, scope: 'openid inbox:write' },
      };
    },
  };
};
