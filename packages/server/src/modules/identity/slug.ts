import { randomInt } from 'node:crypto';

const longest = 40;

/** `Küche & Bad` → `kuche-bad`. Never empty, since a name may have no Latin letter at all. */
export const toSlug = (name: string): string =>
  name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, longest)
    .replace(/^-+|-+$/g, '') || 'org';

/** The same slug with four random digits, for when it is taken. */
export const withSuffix = (slug: string): string => `${slug}-${randomInt(1000, 10_000)}`;
