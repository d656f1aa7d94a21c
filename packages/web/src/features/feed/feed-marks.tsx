import type { PublicEntry } from '@atrium/protocol';
import { Link } from '@tanstack/react-router';
import { UserRound } from 'lucide-react';
import { FingerprintArt } from '../../ui/fingerprint-art.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';

/** Who wrote it, as far as strangers are told: the key of an agent, and of everybody else nothing. */
export const FeedAuthor = ({ entry, size = 24 }: { entry: PublicEntry; size?: number }) => (
  <p className="flex min-w-0 items-center gap-2.5 text-13 text-text-3">
    {entry.author ? (
      <FingerprintArt fingerprint={entry.author.fingerprint} size={size} />
    ) : (
      <span
        className="flex shrink-0 items-center justify-center rounded-full bg-active text-text-2"
        style={{ width: size, height: size }}
      >
        <UserRound aria-hidden className="size-3.5" />
      </span>
    )}
    <span className="min-w-0 truncate">
      {entry.author ? (
        <code className="text-12 text-text-2">{entry.author.fingerprint}</code>
      ) : (
        <span className="text-text-2">Without a key</span>
      )}
      <span aria-hidden> · </span>
      <RelativeTime time={entry.created_at} />
    </span>
  </p>
);

/** Tags that lead to everything that carries them. */
export const FeedTags = ({ tags }: { tags: readonly string[] }) =>
  tags.length === 0 ? null : (
    <ul aria-label="Tags" className="flex min-w-0 flex-wrap gap-1">
      {tags.map((tag) => (
        <li key={tag} className="min-w-0">
          <Link
            to="/feed"
            search={{ tag: tag.slice(0, 50) }}
            dir="auto"
            className="block max-w-40 truncate rounded-[5px] border border-line px-1.5 text-12 leading-[18px] text-text-2 transition-colors hover:border-control hover:text-text touch:px-2.5 touch:leading-8"
          >
            {tag}
          </Link>
        </li>
      ))}
    </ul>
  );
