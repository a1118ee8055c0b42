/**
 * What can be wrong with an archive. Each kind has one severity and one next step, the same wherever it is found. Damage is
 * found, not thrown: one bad file must not hide the next one.
 */
import { isLastgoodError } from '../platform/errors.ts';

export const SECOND_COPY = 'Keep the file, and put a good one from a second copy of the archive in its place.';
const NEW_BACKUP = 'Without one, take a new backup with `lastgood backup`: restores from then on do not need it.';

/** `error` is damage, or what could not be looked at; `warning` and `info` leave every archived byte in place. */
export const VERIFY_CHECKS = {
  readable: {
    severity: 'error',
    fix: 'Is the disk mounted, and may this user read there? Then run `lastgood verify` again.',
  },
  record: { severity: 'error', fix: SECOND_COPY },
  segment: { severity: 'error', fix: `${SECOND_COPY} ${NEW_BACKUP}` },
  'missing segment': {
    severity: 'error',
    fix: `Put it back, with its manifest, from a second copy of the archive. At the end of the archive, \`lastgood archive\` asks the source for it again. ${NEW_BACKUP}`,
  },
  'foreign file': {
    severity: 'error',
    fix: 'Move it out of the archive, and keep it until you know where it came from.',
  },
  manifest: { severity: 'error', fix: SECOND_COPY },
  'manifest chain': {
    severity: 'error',
    fix: 'Compare both manifests with a second copy of the archive: one of the two was replaced.',
  },
  continuity: {
    severity: 'error',
    fix: `Compare the file with a second copy of the archive: it does not belong where it stands. ${NEW_BACKUP}`,
  },
  lineage: {
    severity: 'error',
    fix: 'Compare lineage.json and the first segment with a second copy of the archive: one of the two was replaced.',
  },
  'hand-over': {
    severity: 'error',
    fix: 'Do not restore across this failover: take a new backup with `lastgood backup`, and restore from that one.',
  },
  ledger: { severity: 'error', fix: 'Keep the file, and put the ledger of a second copy of the archive in its place.' },
  pins: {
    severity: 'error',
    fix: 'Keep the file, and put that of a second copy of the archive in its place; until then nothing may be deleted.',
  },
  'ledger entry': { severity: 'info', fix: '' },
  backup: {
    severity: 'error',
    fix: 'Do not restore from it: take a new backup with `lastgood backup`, or restore from an older one.',
  },
  'backup coverage': {
    severity: 'warning',
    fix: 'Run `lastgood archive --until-current`; if that does not help, take a new backup with `lastgood backup`.',
  },
  'backup not hashed': {
    severity: 'info',
    fix: 'Nothing: it is used as before. The next `lastgood backup` writes a record with its own hash.',
  },
  'doubled group': {
    severity: 'warning',
    fix: 'The bytes are as the source sent them: look into its log at this place with mariadb-binlog or mysqlbinlog.',
  },
  'nothing archived': {
    severity: 'warning',
    fix: 'Start `lastgood archive`, best as a service, and take a backup with `lastgood backup`; then verify again.',
  },
  'nothing read': {
    severity: 'warning',
    fix: 'Is the time right? Verify from an earlier one on, or without --since: `lastgood segments` says from when each file is.',
  },
  'open segment': { severity: 'info', fix: 'Nothing: the archiver goes on from the last whole group.' },
  leftover: { severity: 'info', fix: 'Nothing: the next start of `lastgood archive` clears it away.' },
  catalog: { severity: 'warning', fix: 'Stop the archiver and run `lastgood catalog rebuild`.' },
  'catalog not compared': {
    severity: 'info',
    fix: 'Nothing, where the repository can only be read: each command makes its catalog in memory then.',
  },
} as const satisfies Record<string, { severity: 'error' | 'warning' | 'info'; fix: string }>;

export type VerifyCheck = keyof typeof VERIFY_CHECKS;

/** One thing that is wrong. Plain data: it comes from other threads too. */
export interface Damage {
  readonly check: VerifyCheck;
  /** The file, as a path. */
  readonly path: string;
  /** Bytes from the start of the plain file; null where there is none to name. */
  readonly offset: number | null;
  readonly found: string;
  /** Where the table's next step does not fit. */
  readonly fix?: string;
}

/**
 * What a failure to read means: wrong bytes are damage, everything else is "cannot read", which is never the same. What is no failure of
 * reading, such as an interruption, is thrown on.
 *
 * @param at.check of bytes that are wrong
 */
export function damageOfFailure(
  error: unknown,
  at: { readonly check: VerifyCheck; readonly path: string; readonly offset: number | null },
): Damage {
  const { path } = at;
  if (isLastgoodError(error, 'ARCHIVE_DAMAGED')) {
    const { offset } = error.details;
    return { check: at.check, path, offset: typeof offset === 'number' ? offset : at.offset, found: error.message };
  }
  if (isLastgoodError(error) && error.code !== 'INTERRUPTED')
    return { check: 'readable', path, offset: null, found: error.message, fix: error.hint };
  if (error instanceof Error && 'syscall' in error)
    return { check: 'readable', path, offset: null, found: `it cannot be read: ${error.message}` };
  throw error;
}

/** The end of the sentence for a file whose hash is not what was written down. */
export function otherHash(found: string, written: string): string {
  return `its SHA-256 is ${found}, not ${written}`;
}
