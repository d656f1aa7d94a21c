/** One site of another proxy, as its configuration says it. */
export interface ImportedSite {
  name: string;
  hosts: string[];
  /** Below the host; `/` for all of it. */
  path: string;
  /** The path is taken off before the request goes on. */
  strip: boolean;
  /** Addresses of the app; the first one is shown. */
  targets: { url: string; weight: number }[];
  websockets: boolean | null;
  image: string | null;
  labels: Readonly<Record<string, string>>;
  line: number | null;
}

/** What was not understood, or has no counterpart. */
export interface Skipped {
  line: number | null;
  what: string;
  reason: string;
}

export interface Imported {
  sites: ImportedSite[];
  skipped: Skipped[];
}

/** The text cannot be read at all; the message is for the person who pasted it. */
export class ImportProblem extends Error {}

/** `http://app:8080` as a target; null when it is no address of an HTTP server. */
export const targetOf = (text: string): string | null => {
  const url = URL.parse(text.trim());
  if (url === null || !/^https?:$/.test(url.protocol) || url.hostname === '' || url.username !== '') return null;
  return `${url.protocol}//${url.host}`;
};

export const site = (fields: Pick<ImportedSite, 'name' | 'targets'> & Partial<ImportedSite>): ImportedSite => ({
  ...{ hosts: [], path: '/', strip: false, websockets: null, image: null, labels: {}, line: null },
  ...fields,
});
