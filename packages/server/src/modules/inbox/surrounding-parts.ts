import type { AuditStore } from '../../platform/audit/audit-store.ts';
import type { FileStore } from '../../platform/files/file-store.ts';
import type { RateLimiter } from '../../platform/limits/rate-limiter.ts';

/** What channels, files, histories and publish addresses need beside the parts of items. */
export interface SurroundingParts {
  files: FileStore;
  /** Largest file of an item, in bytes. */
  max_upload_bytes: number;
  limiter: Pick<RateLimiter, 'hit'>;
  public_url: () => string;
  audit: Pick<AuditStore, 'list'>;
}
