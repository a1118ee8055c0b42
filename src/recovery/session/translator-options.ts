import type { Flavor } from '../../binlog/gtid.ts';
import type { Logger } from '../../platform/logger.ts';
import type { KnownSchemas } from './known-schemas.ts';
import type { LoadFiles } from './load-files.ts';
import type { TargetGtids } from './target-gtids.ts';
import type { TargetLimits } from './target-session.ts';

/** What translating events takes beside them. */
export interface TranslatorOptions {
  readonly flavor: Flavor;
  readonly limits: TargetLimits;
  readonly gtids: TargetGtids;
  readonly schemas: KnownSchemas;
  readonly files: LoadFiles;
  readonly log: Logger;
  /** Waits until everything that was translated before is executed. */
  readonly settle: () => Promise<void>;
  /** Has the session execute the statements while the schema is there, empty. */
  readonly chooseMissing: (schema: string, statements: readonly string[]) => Promise<void>;
  /** Leaves the session without a default schema. */
  readonly leaveSchema: () => Promise<void>;
}
