/** One thing that a check found. `fix` says what to do next. */
export interface Finding {
  readonly severity: 'error' | 'warning' | 'info';
  readonly check: string;
  /** What was looked at: a server, a file, a backup; null when it is the whole. */
  readonly object: string | null;
  readonly found: string;
  readonly fix: string;
}
