import type { Decision, Json, Quorum } from './items-rows.ts';

/** A reply that counts: the newest of each person in this life of the item, oldest first. */
export interface QuorumReply {
  by_id: string;
  decision: Decision;
  reply: Json | null;
}

export type QuorumVerdict = { closed: false } | { closed: true; decision: Decision; reply: Json | null };

/** People named as approvers; empty when anybody who sees the item may decide. */
export const namedApprovers = (require: Quorum | null): string[] => [
  ...new Set([...(require?.all_of ?? []), ...(require?.any_of ?? [])]),
];

/** How many must accept: as said, else all of all_of, else one. */
export const acceptsNeeded = (require: Quorum | null): number =>
  Math.max(require?.n ?? 0, require?.all_of?.length ?? 0, 1);

/** More than one reply may be needed, so the first one does not close the item by itself. */
export const isShared = (require: Quorum | null): boolean =>
  require !== null && (acceptsNeeded(require) > 1 || namedApprovers(require).length > 1);

/**
 * Whether the replies so far close the item. Accepting needs everybody of all_of and `n` accepts in all. A free-text
 * reply closes at once. A reject closes when it comes from somebody of all_of, when nobody is named, or when those who
 * are left are too few. An edit starts the count anew with its author, because earlier accepts were for other arguments.
 */
export const verdictOf = (require: Quorum | null, replies: readonly QuorumReply[]): QuorumVerdict => {
  const last = replies.at(-1);
  if (last === undefined) return { closed: false };
  const required = new Set(require?.all_of ?? []);
  const named = namedApprovers(require);
  const rejecting = replies.filter((reply) => reply.decision === 'reject');
  const decisive = replies.find(
    (reply) =>
      reply.decision === 'respond' ||
      (reply.decision === 'reject' && (named.length === 0 || required.has(reply.by_id))),
  );
  if (decisive !== undefined) return { closed: true, decision: decisive.decision, reply: decisive.reply };
  const lastEdit = replies.findLastIndex((reply) => reply.decision === 'edit');
  const counted = replies.slice(Math.max(lastEdit, 0)).filter((reply) => reply.decision !== 'reject');
  const accepted = new Set(counted.map((reply) => reply.by_id));
  const needed = acceptsNeeded(require);
  if (accepted.size >= needed && [...required].every((id) => accepted.has(id))) {
    const deciding = lastEdit >= 0 ? replies[lastEdit]! : last;
    return { closed: true, decision: deciding.decision, reply: deciding.reply };
  }
  if (named.length - rejecting.length < needed && named.length > 0) {
    return { closed: true, decision: 'reject', reply: rejecting.at(-1)!.reply };
  }
  return { closed: false };
};
