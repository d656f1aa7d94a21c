import { v7 } from 'uuid';

declare const brand: unique symbol;
/** A UUID that names one kind of thing; made here alone. */
export type Id<Kind extends string> = string & { readonly [brand]: Kind };

export type OrgId = Id<'org'>;
export type UserId = Id<'user'>;
export type AgentId = Id<'agent'>;

export const newId = <Kind extends string = string>(): Id<Kind> => v7() as Id<Kind>;

const uuidForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
export const isUuid = (text: string): boolean => uuidForm.test(text);
