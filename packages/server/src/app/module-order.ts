/** Low to high. A module may ask a lower one through its index.ts and tells a higher one by an event. */
export const moduleOrder = [
  'identity',
  'oauth',
  'gateway',
  'tools',
  'diaries',
  'inbox',
  'delivery',
  'models',
  'chat',
  'flows',
  'admin',
] as const;

export type ModuleName = (typeof moduleOrder)[number];
