import { toHex, utf8 } from '../keys/bytes.ts';
import { signMessage, verifyMessage } from '../keys/signatures.ts';
import { entryContentId, type SaidText } from './content-id.ts';

/* The chain of a signed diary: each entry is signed by its author and bound to the one before it. */

/** Members of an entry that never change and that nobody signs; the chain holds them. */
interface Bound {
  importance: number;
  confidence: number | null;
  valid_from: string | null;
  valid_to: string | null;
  expires_at: string | null;
  created_at: string;
}

/** One entry of a chain, as an export shows it. Of an erased one the text is gone and the hashes are left. */
export interface ChainedEntry extends SaidText, Bound {
  id: string;
  content_id: string;
  erased_at: string | null;
  proof: EntryProof;
}

export interface EntryProof {
  /** Place in the chain, from one. */
  seq: number;
  prev_hash: string;
  chain_hash: string;
  /** By `public_key` over the content id, framed with the id of the chain as the nonce. */
  signature: string;
  public_key: string;
}

export interface ChainPosition {
  seq: number;
  hash: string;
}

const sha256 = async (text: string): Promise<string> =>
  toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', utf8(text))));

/** Where a chain begins. Its id is in the first hash, so that no two chains share a link. */
export const chainStart = async (chainId: string): Promise<ChainPosition> => ({
  seq: 0,
  hash: await sha256(`atrium:diary:v1\n${chainId}`),
});

/** A database keeps seven digits of it, so no more of them count. */
const plainConfidence = (confidence: number | null): number | null =>
  confidence === null ? null : Number(Math.fround(confidence).toPrecision(6));

export const chainHash = (
  link: Bound & Pick<ChainedEntry, 'content_id'> & Omit<EntryProof, 'seq' | 'chain_hash'>,
): Promise<string> =>
  sha256(
    JSON.stringify([
      'atrium:entry:v1',
      link.prev_hash,
      link.content_id,
      link.signature,
      link.created_at,
      link.public_key,
      link.importance,
      plainConfidence(link.confidence),
      link.valid_from,
      link.valid_to,
      link.expires_at,
    ]),
  );

/** What an author sends along with an entry of a signed diary. The id of the chain keeps it out of every other one. */
export const signEntry = async (privateKey: string, entry: SaidText, chainId: string): Promise<string> =>
  signMessage(privateKey, await entryContentId(entry), chainId);

export const verifyEntrySignature = (
  entry: { content_id: string; signature: string; public_key: string },
  chainId: string,
): Promise<boolean> => verifyMessage(entry.public_key, entry.content_id, chainId, entry.signature);

export const chainProblems = {
  out_of_order: 'is not the one that follows: entries before it are missing or stand elsewhere',
  link_broken: 'is not bound to the entry before it',
  hash_mismatch: 'was changed: the hash of the chain does not fit its members',
  content_mismatch: 'was changed: it says something else than its content id',
  signature_invalid: 'is not signed by its author',
} as const;
export type ChainProblem = keyof typeof chainProblems;

/** What is wrong with the next entry of a chain, if anything is. */
export const checkLink = async (
  chainId: string,
  before: ChainPosition,
  entry: ChainedEntry,
): Promise<ChainProblem | null> => {
  const { proof } = entry;
  if (proof.seq !== before.seq + 1) return 'out_of_order';
  if (proof.prev_hash !== before.hash) return 'link_broken';
  if (entry.erased_at === null && (await entryContentId(entry)) !== entry.content_id) return 'content_mismatch';
  if ((await chainHash({ ...entry, ...proof })) !== proof.chain_hash) return 'hash_mismatch';
  if (!(await verifyEntrySignature({ content_id: entry.content_id, ...proof }, chainId))) return 'signature_invalid';
  return null;
};

export interface BrokenLink {
  entry_id: string;
  seq: number;
  problem: ChainProblem;
}

/** Walks a chain entry by entry and stops at the first bad one. */
export class ChainWalk {
  readonly #chainId: string;
  #position: ChainPosition;
  #broken: BrokenLink | null = null;

  constructor(chainId: string, from: ChainPosition) {
    this.#chainId = chainId;
    this.#position = from;
  }

  get position(): ChainPosition {
    return this.#position;
  }
  get broken(): BrokenLink | null {
    return this.#broken;
  }

  /** False once something was wrong. */
  async step(entry: ChainedEntry): Promise<boolean> {
    if (this.#broken !== null) return false;
    const problem = await checkLink(this.#chainId, this.#position, entry);
    if (problem !== null) {
      this.#broken = { entry_id: entry.id, seq: entry.proof.seq, problem };
      return false;
    }
    this.#position = { seq: entry.proof.seq, hash: entry.proof.chain_hash };
    return true;
  }
}
