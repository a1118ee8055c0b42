import { isWrong, type BinlogProblem } from '../binlog/event-view.ts';
import { LastgoodError } from '../platform/errors.ts';

/** Wrong bytes in the open segment, from a power cut or a bad disk: to be fetched again from the source. */
export interface SegmentDamage {
  readonly error: LastgoodError;
  readonly file: string;
  readonly path: string;
  /** Of the whole file, wrong bytes and what is behind them included. */
  readonly bytes: number;
}

/** The first problem that means wrong bytes, as an error; a torn end and the source's own reports are none. */
export function damageOf(
  file: string,
  problems: readonly BinlogProblem[],
  code: 'ARCHIVE_DAMAGED' | 'STREAM_DAMAGED',
): LastgoodError | null {
  const found = problems.find(isWrong);
  if (found === undefined) return null;
  return new LastgoodError(code, `'${file}' is damaged at offset ${found.offset}: ${found.problem}`, {
    details: { file, offset: found.offset },
  });
}
