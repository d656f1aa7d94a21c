import type { Call } from '../operations/call.ts';

/** What a browser sent to a page: each member once. */
export interface PageRequest {
  params: Readonly<Record<string, string>>;
  query: Readonly<Record<string, string>>;
  form: Readonly<Record<string, string>>;
}

/** `form_targets`: origins and schemes beside our own where a form of the page may end, by way of redirects. */
export type PageAnswer =
  | {
      kind: 'page';
      status?: number;
      html: string;
      form_targets?: readonly string[];
      /** The page loads a script of this server, which may call it. */
      scripts?: boolean;
    }
  | { kind: 'redirect'; to: string };

/** Where a browser goes by itself, by a link, a redirect or a form. Programs use operations. */
export interface PageRoute {
  method: 'GET' | 'POST';
  path: string;
  /** Takes forms from other sites too, as the form posts of identity providers are. */
  from_anywhere?: boolean;
  run: (call: Call, request: PageRequest) => Promise<PageAnswer>;
}
