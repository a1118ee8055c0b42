import type { SessionVariables } from './session-variables.ts';

/** What a new session has anyway, on every version that has the variable at all: not to be set where it is not known. */
const AT_FIRST: SessionVariables = {
  check_constraint_checks: '1',
  sql_if_exists: '0',
  system_versioning_insert_history: '0',
  collation_database: 'DEFAULT',
};

/** What a session is set to, so that only changes are sent. */
export class SessionState {
  readonly #values = new Map(Object.entries(AT_FIRST));
  /** The default schema; null when it is not known, '' when none was chosen. */
  schema: string | null = '';

  /** The statement that gives the session these values; null when it has them. */
  change(wanted: SessionVariables): string | null {
    const changes: string[] = [];
    for (const name in wanted) {
      const value = wanted[name] ?? '';
      if (this.#values.get(name) === value) continue;
      this.#values.set(name, value);
      changes.push(`@@session.${name}=${value}`);
    }
    return changes.length === 0 ? null : `SET ${changes.join(',')}`;
  }

  /** The server has set this one itself: it is what it is at first. */
  forget(name: keyof typeof AT_FIRST): void {
    const value = AT_FIRST[name];
    if (value === undefined) this.#values.delete(name);
    else this.#values.set(name, value);
  }
}
