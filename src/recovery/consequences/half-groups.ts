import type { GroupPhase } from '../../binlog/group-phase.ts';
import type { PlanConflict } from '../plan.ts';

/**
 * First halves that are left out, of XA transactions and of two-phase ALTERs, while their second halves are not: these may come in
 * another lineage's log, where nobody looks for them beforehand.
 */
export class HalfGroups {
  readonly #begun = new Set<string>();

  /** A group that is left out is one half. */
  skip({ step, key }: GroupPhase): void {
    if (step === 'begun') this.#begun.add(key);
    else this.#begun.delete(key);
  }

  /** A later group is one half. @returns what comes of it; null for nothing */
  meet({ step, key }: GroupPhase): Pick<PlanConflict, 'kind' | 'why'> | null {
    // The same id may be given again: then what follows belongs to that one.
    if (!this.#begun.delete(key) || step === 'begun') return null;
    if (!key.startsWith('XA')) return step === 'rollback' ? null : { kind: 'undone', why: WHOLE };
    const what = step === 'commit' ? 'commits' : 'rolls back';
    return { kind: 'fails', why: `${what} ${key.slice(3)}, whose first half is left out (error 1397)` };
  }
}

/** A second half alone is a whole ALTER. Source: MariaDB 10.11 sql/sql_table.cc and sql/rpl_rli.h, direct_commit_alter. */
const WHOLE = 'ends the ALTER that is left out, and makes it as a whole';
