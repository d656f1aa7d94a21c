import { diariesSupersedeEntry, type InputOf, signEntry } from '@atrium/protocol';
import type { Atrium } from '../atrium.ts';
import type { CallOptions, Operations } from '../client.ts';
import { AtriumError } from '../errors.ts';
import type { AgentKey } from './agent-key.ts';

type Diaries = Operations['diaries'];

/** Diaries by the names that the tools have. What is written into a signed diary is signed with the key of the agent. */
export interface DiaryNamespace {
  create: Diaries['create_entry'];
  supersede: Diaries['supersede_entry'];
  get: Diaries['get_entry'];
  list: Diaries['list_entries'];
  update: Diaries['update_entry'];
  delete: Diaries['delete_entry'];
  history: Diaries['entry_history'];
  bulk: Diaries['bulk'];
  search: Diaries['search'];
  reflect: Diaries['reflect'];
  verify: Diaries['verify'];
  share: Diaries['share'];
  shares: Diaries['list_shares'];
  revoke: Diaries['revoke_share'];
  invitations: Diaries['list_invitations'];
  accept: Diaries['accept_invitation'];
  decline: Diaries['decline_invitation'];
  /** Diaries themselves. */
  containers: Pick<Diaries, 'create' | 'list' | 'get' | 'update' | 'delete' | 'transfer'>;
}

type Said = Pick<InputOf<typeof diariesSupersedeEntry>, 'content' | 'title' | 'tags' | 'entry_type' | 'signature'>;

const chainForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The chain that a signature is missing for; null for any other failure. */
const missingFor = (error: unknown): string | null => {
  if (!(error instanceof AtriumError) || error.code !== 'entry_signature_required') return null;
  const chain = error.problem?.['chain_id'];
  return typeof chain === 'string' && chainForm.test(chain) ? chain : null;
};

const { content, title, tags, entry_type } = diariesSupersedeEntry.input.shape;

/** Over what the server will keep of the entry: trimmed, with defaults, each tag once. */
const signatureFor = (key: AgentKey, entry: Said, chainId: string): Promise<string> => {
  const said = {
    content: content.parse(entry.content),
    title: title.parse(entry.title) ?? null,
    tags: [...new Set(tags.parse(entry.tags))],
    entry_type: entry_type.parse(entry.entry_type),
  };
  return signEntry(key.private_key, said, chainId);
};

/** The key, or a way to it that is gone only when something has to be signed. */
export type KeySource = AgentKey | (() => Promise<AgentKey>) | undefined;

/**
 * Writes, and signs where it turns out that the diary is a signed one: then nothing was written yet. The content id is
 * worked out here, of what is to be said, and not taken from the server.
 */
const signing =
  <I extends Said, O>(source: KeySource, write: (input: I, options?: CallOptions) => Promise<O>) =>
  async (input: I, options?: CallOptions): Promise<O> => {
    try {
      return await write(input, options);
    } catch (error) {
      const chain = missingFor(error);
      if (chain === null || source === undefined || input.signature !== undefined) throw error;
      const key = typeof source === 'function' ? await source() : source;
      return write({ ...input, signature: await signatureFor(key, input, chain) }, options);
    }
  };

export const diaryNamespace = ({ diaries }: Pick<Atrium, 'diaries'>, key: KeySource): DiaryNamespace => ({
  create: signing(key, diaries.create_entry),
  supersede: signing(key, diaries.supersede_entry),
  get: diaries.get_entry,
  list: diaries.list_entries,
  update: diaries.update_entry,
  delete: diaries.delete_entry,
  history: diaries.entry_history,
  bulk: diaries.bulk,
  search: diaries.search,
  reflect: diaries.reflect,
  verify: diaries.verify,
  share: diaries.share,
  shares: diaries.list_shares,
  revoke: diaries.revoke_share,
  invitations: diaries.list_invitations,
  accept: diaries.accept_invitation,
  decline: diaries.decline_invitation,
  containers: diaries,
});
