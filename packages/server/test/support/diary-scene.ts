import type { Scope } from '@atrium/protocol';
import { type Agent, type Org, ok, type Person } from './people.ts';
import type { Json, RestClient } from './rest-client.ts';

const scopes: Scope[] = ['diary:read', 'diary:write', 'diary:delete', 'diary:share', 'inbox:read'];

/** An agent that may do everything with diaries, and may read past events. */
export const diaryAgent = (org: Org, name: string): Promise<Agent> => org.agent(name, { scopes });

export const makeDiary = async (by: RestClient, input: Json = {}): Promise<string> =>
  ok(await by.post('/api/v1/diaries', { name: `Diary ${crypto.randomUUID().slice(0, 8)}`, ...input })).id;

export const write = async (by: RestClient, diary: string, input: Json = {}): Promise<Json> =>
  ok(await by.post(`/api/v1/diaries/${diary}/entries`, { content: 'What was learnt', ...input }));

export const listOf = async (by: RestClient, diary: string, query = ''): Promise<string[]> =>
  ok(await by.get(`/api/v1/diaries/${diary}/entries?limit=200${query}`)).items.map((entry: Json) => entry.id);

export const subjectOf = (who: Person | Agent): Json =>
  'client_id' in who ? { agent_id: who.id } : { user_id: who.id };

/** Offers a diary; the share stays open. */
export const invite = async (by: RestClient, diary: string, who: Person | Agent, role = 'reader'): Promise<string> =>
  ok(await by.post(`/api/v1/diaries/${diary}/shares`, { ...subjectOf(who), role })).id;

/** Offers a diary and has the offer accepted. */
export const give = async (by: RestClient, diary: string, who: Person | Agent, role = 'reader'): Promise<string> => {
  const share = await invite(by, diary, who, role);
  ok(await who.post(`/api/v1/diaries/invitations/${share}/accept`));
  return share;
};

/** Every past event that somebody may see. */
export const eventsOf = async (by: RestClient): Promise<Json[]> => {
  const events: Json[] = [];
  let since: string | null = '0';
  while (since !== null) {
    const page: Json = ok(await by.get(`/api/v1/events?since=${since}&limit=200`));
    events.push(...page.items);
    since = page.next_cursor;
  }
  return events;
};
