/**
 * The error table: every failure a user can meet, with its exit code and its next safe command.
 * Enters: a code and the facts. Leaves: one error class. Knows nothing about MySQL, argv or printing.
 */

/** Exit codes are a contract with scripts and monitoring: new ones may come, none may change. */
export const ERRORS = {
  USAGE: { exit: 2, hint: 'Run the command with --help to see its options and an example.' },
  CONFIG_MISSING: {
    exit: 2,
    hint: 'Write a lastgood.toml (see docs/configuration.md) and name it with --config FILE.',
  },
  CONFIG_INVALID: { exit: 2, hint: 'Correct the named key; docs/configuration.md lists every key with an example.' },
  COORDINATES_INVALID: { exit: 2, hint: 'Write coordinates as FILE:POSITION, for example binlog.000042:1537.' },
  GTID_INVALID: {
    exit: 2,
    hint: 'Write a MariaDB GTID as DOMAIN-SERVER-SEQUENCE (0-1-4711), a MySQL GTID as UUID:NUMBER.',
  },
  TIME_INVALID: {
    exit: 2,
    hint: 'Write the time with its zone, for example 2026-11-22T10:00:00Z or 2026-11-22T11:00:00+01:00.',
  },
  PLAN_INVALID: {
    exit: 2,
    hint: 'Write the plan anew: `lastgood plan TARGET --json > FILE`, and give restore that very file.',
  },
  FILE_UNREADABLE: { exit: 2, hint: 'Does the file exist, and may this user read it?' },
  KEY_FILE_INVALID: {
    exit: 2,
    hint: 'Keep the file if an archive needs its keys. docs/configuration.md has its format: one key a line, mode 0600.',
  },
  REPOSITORY_MISSING: {
    exit: 10,
    hint: 'Is repository.url right? `lastgood archive` makes the repository on its first run.',
  },
  REPOSITORY_UNREADABLE: { exit: 10, hint: 'Is the disk mounted, and may this user read and write there?' },
  REPOSITORY_VERSION: { exit: 10, hint: 'Use the lastgood version that wrote this repository, or a newer one.' },
  KEY_MISSING: {
    exit: 10,
    hint: 'Put the key with that id into the file that repository.encryption_key_file names, then run `lastgood doctor`. Without it the segment cannot be read.',
  },
  STORAGE_FAILED: {
    exit: 10,
    hint: 'Is the disk full or read-only? What was archived before is intact: free space, then run again.',
  },
  LOCKED: { exit: 11, hint: 'Is another lastgood process at work here? Wait for it, or stop it, then run again.' },
  SERVER_UNREACHABLE: {
    exit: 12,
    hint: 'Is the server running, and are host, port or socket right? Try `lastgood doctor`.',
  },
  ACCESS_DENIED: {
    exit: 12,
    hint: 'Check user and password file; `lastgood doctor` prints the GRANT statements needed.',
  },
  PRIVILEGE_MISSING: { exit: 12, hint: 'Run `lastgood doctor`: it prints the GRANT statements needed.' },
  SERVER_QUERY_FAILED: { exit: 12, hint: 'Run `lastgood doctor` to check the server and the privileges.' },
  TARGET_UNREACHABLE: { exit: 20, hint: 'Run `lastgood status` to see the recovery window.' },
  INCIDENT_UNKNOWN: { exit: 20, hint: 'Run `lastgood incidents --all` to list every incident with its id.' },
  ROWS_UNAVAILABLE: {
    exit: 20,
    hint: 'Take them from a backup: `lastgood plan --before INCIDENT` shows whether one reaches it, `lastgood salvage` brings them back.',
  },
  BACKUP_MISSING: { exit: 20, hint: 'Run `lastgood backups` to see which backups exist and why one is not usable.' },
  OBJECT_UNKNOWN: {
    exit: 20,
    hint: 'Choose a target at which it was there: `lastgood incidents` says when it was lost.',
  },
  PIN_UNKNOWN: { exit: 20, hint: 'Run `lastgood status` to see what is pinned.' },
  ARCHIVE_GAP: { exit: 20, hint: 'Choose a target before the gap, or one that a backup taken after it can reach.' },
  ARCHIVE_DAMAGED: {
    exit: 21,
    hint: 'Keep the file: restore it from a second copy, or from the server if it still has it.',
  },
  STREAM_DAMAGED: {
    exit: 21,
    hint: "Nothing of it was archived. Is the source's own file damaged? Check it there with mariadb-binlog --verify-binlog-checksum.",
  },
  LINEAGE_MISMATCH: {
    exit: 22,
    hint: 'Does [primary] lead to the server that was archived until now? The old lineage is untouched; `lastgood archive --new-lineage` begins one for another server.',
  },
  IDENTITY_MISMATCH: { exit: 22, hint: 'Do [primary] and [replica] belong to one another? Run `lastgood doctor`.' },
  TOOL_MISSING: { exit: 30, hint: 'Install the program (on Debian: apt-get install mariadb-server mariadb-client).' },
  TOOL_FAILED: { exit: 30, hint: "Read the program's own message above; nothing was published." },
  PROOF_FAILED: { exit: 31, hint: 'Do not use the restored server before you know why: its report lists each check.' },
  PREFLIGHT_FAILED: { exit: 40, hint: 'Run `lastgood doctor` for all findings and their fixes.' },
  SERVER_ID_TAKEN: {
    exit: 40,
    hint: 'Give this archiver a primary.server_id that no server and no other archiver has; `lastgood doctor` says who has this one, as far as it may be seen.',
  },
  NOTHING_TO_RESUME: {
    exit: 40,
    hint: 'Start a restore: `lastgood restore TARGET --datadir DIR`; `lastgood incidents` lists what TARGET can name.',
  },
  TARGET_NOT_EMPTY: { exit: 40, hint: 'Give a folder that does not exist yet or is empty; nothing was written.' },
  INTERRUPTED: { exit: 130, hint: 'Nothing half-written is left under a final name: run the command again.' },
} as const satisfies Record<string, { exit: number; hint: string }>;

export type ErrorCode = keyof typeof ERRORS;
export type ErrorDetails = Readonly<Record<string, string | number | boolean | null>>;

/** An expected failure: printed as message and hint, no stack. Anything else that reaches the command line is a bug. */
export class LastgoodError extends Error {
  override readonly name = 'LastgoodError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;
  readonly hint: string;

  /** @param message lower case, no final stop, names the object and its value */
  constructor(
    code: ErrorCode,
    message: string,
    options: { details?: ErrorDetails; cause?: unknown; hint?: string | undefined } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
    this.hint = options.hint ?? ERRORS[code].hint;
  }

  get exitCode(): number {
    return ERRORS[this.code].exit;
  }
}

/** True for an error of the table, optionally of one code. */
export function isLastgoodError(error: unknown, code?: ErrorCode): error is LastgoodError {
  return error instanceof LastgoodError && (code === undefined || error.code === code);
}
