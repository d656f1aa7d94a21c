import type { BoardItem } from '@atrium/protocol';
import type { Selectable } from 'kysely';
import type { Schema } from '../../../platform/db/schema.gen.ts';

type Link = Extract<BoardItem, { kind: 'link' }>;
type App = Omit<Extract<BoardItem, { kind: 'app' }>, 'app'> & { app_id: string };
/** An item as it is stored: an app by its id. */
export type StoredItem = App | Link;
export interface StoredGroup {
  id: string;
  name: string;
  items: StoredItem[];
}
export type BoardRow = Omit<Selectable<Schema['gateway_boards']>, 'groups'> & { groups: StoredGroup[] };
