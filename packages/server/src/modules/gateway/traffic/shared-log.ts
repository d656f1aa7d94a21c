import type { Siblings } from '../../../platform/processes/siblings.ts';
import type { AccessBook, AccessRecord } from './access-book.ts';

export interface LogFilter {
  org_id: string;
  app?: string | undefined;
}

export interface LogQuestion extends LogFilter {
  /** First digit of the status. */
  hundreds: number | null;
  principal_id?: string | undefined;
  q?: string | undefined;
  /** Lines older than this one. */
  before: { at: number; id: string } | null;
  limit: number;
}

interface News {
  process: string;
  /** Lines of that process since its start. */
  recorded: number;
  lines: AccessRecord[];
  skipped: number;
}

export interface SharedLogParts {
  book: () => Pick<AccessBook, 'lines' | 'recorded' | 'follow'> | null;
  siblings: Siblings;
  /** Unique to this process. */
  holder: string;
  /** How often the others are asked for what is new while somebody looks. */
  poll_ms?: number;
}

const mostNews = 1000;
const newestFirst = (a: AccessRecord, b: AccessRecord): number => b.at - a.at || (a.id < b.id ? 1 : -1);

const isBefore = (line: AccessRecord, point: { at: number; id: string }): boolean =>
  line.at < point.at || (line.at === point.at && line.id < point.id);

const isOf = (line: AccessRecord, { org_id, app }: LogFilter): boolean =>
  line.owner?.org_id === org_id && (app === undefined || line.owner.app === app);

/** The newest requests of all processes of this server. Each remembers its own; the others are asked when somebody reads. */
export const createSharedLog = (parts: SharedLogParts) => {
  const { siblings } = parts;

  const own = (question: LogQuestion): AccessRecord[] => {
    const { hundreds, principal_id, q, before, limit } = question;
    const found: AccessRecord[] = [];
    for (const line of parts.book()?.lines() ?? []) {
      if (!isOf(line, question)) continue;
      if (hundreds !== null && Math.floor(line.status / 100) !== hundreds) continue;
      if (principal_id !== undefined && line.principal?.id !== principal_id) continue;
      if (q !== undefined && !line.path.includes(q)) continue;
      if (before === null || isBefore(line, before)) found.push(line);
    }
    return found.toSorted(newestFirst).slice(0, limit);
  };

  const news = (filter: LogFilter, since: number | null): News => {
    const book = parts.book();
    const recorded = book?.recorded ?? 0;
    // A process that was started again counts from nought.
    const unseen = since === null ? 0 : since > recorded ? recorded : recorded - since;
    const lines: AccessRecord[] = [];
    let looked = 0;
    for (const line of book?.lines() ?? []) {
      if (looked === Math.min(unseen, mostNews)) break;
      looked += 1;
      if (isOf(line, filter)) lines.push(line);
    }
    return { process: parts.holder, recorded, lines: lines.reverse(), skipped: unseen - looked };
  };

  siblings.answer('access-log', (question) => own(question as LogQuestion));
  siblings.answer('access-news', (question) => {
    const { filter, seen } = question as { filter: LogFilter; seen: Record<string, number> };
    return news(filter, seen[parts.holder] ?? null);
  });

  return {
    /** Newest first, `limit` at most. */
    find: async (question: LogQuestion): Promise<AccessRecord[]> => {
      const others = (await siblings.ask('access-log', question)) as AccessRecord[][];
      return [own(question), ...others].flat().toSorted(newestFirst).slice(0, question.limit);
    },

    /** Calls for each line from now on, and with how many were left out; the answer ends that. */
    follow: (
      filter: LogFilter,
      onLine: (line: AccessRecord) => void,
      onSkipped: (lines: number) => void,
    ): (() => void) => {
      const stop = parts.book()?.follow((line) => {
        if (isOf(line, filter)) onLine(line);
      });
      const seen: Record<string, number> = {};
      let asking = false;
      const look = async (): Promise<void> => {
        if (asking) return;
        asking = true;
        for (const one of (await siblings.ask('access-news', { filter, seen })) as News[]) {
          seen[one.process] = one.recorded;
          for (const line of one.lines) onLine(line);
          if (one.skipped > 0) onSkipped(one.skipped);
        }
        asking = false;
      };
      void look();
      const timer = setInterval(() => void look(), parts.poll_ms ?? 500).unref();
      return () => {
        clearInterval(timer);
        stop?.();
      };
    },
  };
};
