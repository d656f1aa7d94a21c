import { setImmediate as othersTurn } from 'node:timers/promises';
import { type FieldError, type GatewayDocument, gatewayDocument } from '@atrium/protocol';

export type CheckedDocument = { document: GatewayDocument } | { problems: FieldError[] };

/** How many entries are checked before requests have their turn. */
const checkedAtOnce = 100;

const listIn = (content: object, name: 'apps' | 'routes'): unknown[] | null => {
  const list = (content as Record<string, unknown>)[name] ?? [];
  return Array.isArray(list) ? list : null;
};

/** A document of apps and routes, against the contract. */
export const checkDocument = async (given: unknown): Promise<CheckedDocument> => {
  const content: unknown = given ?? {};
  const isMembers = typeof content === 'object' && content !== null && !Array.isArray(content);
  const apps = isMembers ? listIn(content, 'apps') : null;
  const routes = isMembers ? listIn(content, 'routes') : null;
  const most = Math.max(apps?.length ?? 0, routes?.length ?? 0);
  // As a whole where it is small, or has no lists to be taken apart, or more in them than the contract has.
  const inParts = apps !== null && routes !== null && most > checkedAtOnce && most <= 2000;
  const document: GatewayDocument = { apps: [], routes: [] };
  const problems = { other: [] as FieldError[], apps: [] as FieldError[], routes: [] as FieldError[] };
  for (let from = 0; from === 0 || (inParts && from < most); from += checkedAtOnce) {
    if (from > 0) await othersTurn();
    const part = (list: readonly unknown[]) => list.slice(from, from + checkedAtOnce);
    const checked = gatewayDocument.safeParse(
      inParts ? { ...(from === 0 ? (content as object) : {}), apps: part(apps), routes: part(routes) } : content,
    );
    document.apps.push(...(checked.data?.apps ?? []));
    document.routes.push(...(checked.data?.routes ?? []));
    for (const { path, message } of checked.error?.issues ?? []) {
      const [kind, index, ...rest] = path;
      const isEntry = (kind === 'apps' || kind === 'routes') && typeof index === 'number';
      const place = isEntry ? [kind, index + from, ...rest] : path;
      problems[isEntry ? kind : 'other'].push({ path: place.join('.'), message });
    }
  }
  const all = [...problems.other, ...problems.apps, ...problems.routes];
  return all.length > 0 ? { problems: all } : { document };
};
