/** What a token request of the benches says, to whichever server. */
export const benchClient = { id: 'bench-client', secret: 'PcuIjWZ6Trv1Qb8sFqgX0Zf4b9tqHd1rQyRkO2k7w5E' };
export const benchResource = 'https://api.example.org';
export const benchScope = 'inbox:read';

export interface ClientAccess {
  id: string;
  secret: string;
}

export const formHeaders = (client: ClientAccess): Record<string, string> => ({
  'content-type': 'application/x-www-form-urlencoded',
  authorization: `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}`,
});

export const tokenForm = (resource: string): string =>
  new URLSearchParams({ grant_type: 'client_credentials', scope: benchScope, resource }).toString();

/** One token, for lines that use tokens. */
export const fetchToken = async (endpoint: string, client: ClientAccess, resource: string): Promise<string> => {
  const answer = await fetch(endpoint, { method: 'POST', headers: formHeaders(client), body: tokenForm(resource) });
  const body = (await answer.json()) as { access_token?: string };
  if (body.access_token === undefined) throw new Error(`${endpoint}: ${JSON.stringify(body)}`);
  return body.access_token;
};
