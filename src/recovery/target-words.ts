import type { Flavor } from '../binlog/gtid.ts';

/** What a restore says to a target in its own language. */
export interface TargetWords {
  /** The variable that tells what the target has applied. */
  readonly appliedVariable: string;
  /** The variable that tells how many appliers work beside one that shares out; one alone where it is 0. */
  readonly appliersVariable: string;
  /** Makes that empty on a server that holds nothing. For a person on MySQL, whose binary log goes with it. */
  readonly emptyApplied: string;
  readonly showPrimaries: string;
  readonly forgetPrimaries: readonly string[];
  /** Whom an account may stand in for that may stand in for everybody. */
  readonly everybody: string;
  /** Statements after which the account is gone, there before or not. */
  dropOurs(account: string): string[];
}

/**
 * Source: MariaDB 10.11 and MySQL 5.6 manuals, both tried. MySQL 5.6 has no DROP USER IF EXISTS: a grant of nothing makes sure
 * that there is one to drop, and root may stand in for ''@'' there.
 */
export const TARGET_WORDS: Readonly<Record<Flavor, TargetWords>> = {
  mariadb: {
    appliedVariable: 'gtid_slave_pos',
    appliersVariable: 'slave_parallel_threads',
    emptyApplied: "SET GLOBAL gtid_slave_pos = ''",
    showPrimaries: 'SHOW ALL SLAVES STATUS',
    forgetPrimaries: ['STOP ALL SLAVES', 'RESET SLAVE ALL'],
    everybody: "''@'%'",
    dropOurs: (account) => [`DROP USER IF EXISTS ${account}`],
  },
  mysql: {
    appliedVariable: 'gtid_executed',
    appliersVariable: 'slave_parallel_workers',
    emptyApplied: 'RESET MASTER',
    showPrimaries: 'SHOW SLAVE STATUS',
    forgetPrimaries: ['STOP SLAVE', 'RESET SLAVE ALL'],
    everybody: "''@''",
    dropOurs: (account) => [`GRANT USAGE ON *.* TO ${account}`, `DROP USER ${account}`],
  },
};
