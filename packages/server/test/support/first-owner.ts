import { createRestClient, type Json, type RestClient } from './rest-client.ts';
import type { RunningServer } from './start-server.ts';

export const ownerPassword = 'correct horse battery staple';

export interface FirstOwner {
  owner: RestClient & { token: string };
  agent: RestClient & { token: string };
  /** Of a made item. */
  ask(input?: Record<string, unknown>): Promise<string>;
}

const made = (answer: { status: number; body: Json }): Json => {
  if (answer.status !== 201) throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
};

/** Sets a server up, with one owner and one agent. Their clients ask `url` each time, so they survive a restart. */
export const setUp = async (
  server: Pick<RunningServer, 'url' | 'setupToken'>,
  url: () => string = () => server.url,
): Promise<FirstOwner> => {
  const client = (token: string) => ({ ...createRestClient(url, token), token });
  const { access_token } = made(
    await createRestClient(url).post('/api/v1/setup', {
      token: server.setupToken,
      email: 'ada@example.org',
      password: ownerPassword,
      name: 'Ada',
    }),
  );
  const owner = client(access_token);
  const agent = client(made(await owner.post('/api/v1/agents', { name: 'Claude' })).api_key);
  const form = { fields: [{ type: 'yesno', id: 'go', required: true }] };
  return {
    owner,
    agent,
    ask: async (input = {}) =>
      made(await agent.post('/api/v1/inbox/ask', { title: 'Deploy to production?', form, ...input })).id,
  };
};
