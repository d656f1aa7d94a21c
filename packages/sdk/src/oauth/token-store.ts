import { z } from 'zod';

/** What is kept for one resource: which client we are at which issuer, and the tokens it gave. */
export const storedGrant = z.object({
  issuer: z.string(),
  client_id: z.string(),
  /** Set for clients that this program registered itself. */
  registration: z
    .object({
      client_secret: z.string().optional(),
      auth_method: z.string(),
      redirect_uri: z.string().optional(),
      /** Milliseconds; after it the client must be registered again. */
      expires_at: z.number().optional(),
    })
    .optional(),
  /** The resource parameter, unchanged from the metadata. */
  resource: z.string().optional(),
  scope: z.string().optional(),
  access_token: z.string().optional(),
  token_type: z.enum(['bearer', 'dpop']).optional(),
  refresh_token: z.string().optional(),
  /** Milliseconds. */
  expires_at: z.number().optional(),
  /** Private key that the tokens are bound to. */
  dpop_key: z.record(z.string(), z.unknown()).optional(),
});
export type StoredGrant = z.infer<typeof storedGrant>;

/** Where grants are kept, by the URL of the resource. */
export interface TokenStore {
  get(resource: string): Promise<StoredGrant | null>;
  set(resource: string, grant: StoredGrant | null): Promise<void>;
  /** Keeps others out while tokens are renewed: a refresh token that is used twice ends the whole grant. */
  exclusively<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

/** Runs one piece of work after the other, whether the one before failed or not. */
export const oneAtATime = (): (<T>(work: () => Promise<T>) => Promise<T>) => {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = last.then(work, work);
    last = next.catch(() => {});
    return next;
  };
};

/** Forgets everything with the process. */
export const memoryStore = (): TokenStore => {
  const grants = new Map<string, StoredGrant>();
  const queue = oneAtATime();
  return {
    get: async (resource) => grants.get(resource) ?? null,
    set: async (resource, grant) => {
      if (grant === null) grants.delete(resource);
      else grants.set(resource, grant);
    },
    exclusively: (work) => queue(work),
  };
};
