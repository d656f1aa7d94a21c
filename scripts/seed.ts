import { seedDevices } from './seed/devices.ts';
import { seedDiaries } from './seed/diaries.ts';
import { seedHistory } from './seed/history.ts';
import { seedItems } from './seed/items.ts';
import { type SeedOrganisation, seedOrganisation } from './seed/organisation.ts';
import { type SeededIds, seededIds } from './seed/pages.ts';
import { seedServer } from './seed/server.ts';

export { seedPassword } from './seed/organisation.ts';

/**
 * Fills an empty server that runs: an organisation with people, agents and channels, about sixty items in every state,
 * sixty days of history, and diaries in every form of sharing. The server must not limit calls (`seedEnvironment`).
 */
export const seed = async (options: {
  url: string;
  setupToken: string;
  databaseUrl: string;
}): Promise<SeedOrganisation & { ids: SeededIds }> => {
  const org = await seedOrganisation(options.url, options.setupToken);
  const answered = await seedItems(org);
  await seedHistory(options.databaseUrl, org, answered);
  const inDiaries = await seedDiaries(options.url, options.databaseUrl, org);
  const withDevices = await seedDevices(options.url, org);
  const onServer = await seedServer(options.databaseUrl, org);
  return { ...org, ids: { ...(await seededIds(options.url, org)), ...inDiaries, ...withDevices, ...onServer } };
};

/** Settings without which a server would take the seed for an attack. */
export const seedEnvironment = {
  ATRIUM_RATE_LIMIT_REST: '1000000',
  ATRIUM_RATE_LIMIT_ADDRESS: '1000000',
  ATRIUM_RATE_LIMIT_LOGIN: '1000',
  ATRIUM_RATE_LIMIT_REGISTRATION: '1000',
  ATRIUM_RATE_LIMIT_VOUCH: '1000',
} as const;
