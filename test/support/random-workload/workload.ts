import { Chance } from '../chance.ts';
import { randomUnit, schemaStatements, type Unit } from './units.ts';

/** One statement, and the number of the session that runs it. */
export interface Step {
  readonly session: number;
  readonly sql: string;
}

/** Statements in the order in which they are to run; some of them fail, as they would in life. */
export interface RandomWorkload {
  readonly sessions: number;
  readonly steps: readonly Step[];
}

const FORMATS = ['ROW', 'ROW', 'MIXED', 'STATEMENT'];
const UNITS_PER_SESSION = 10;
/** Of 100 steps: another session goes on in the middle of this one's unit. */
const SWITCH_PERCENT = 15;

/**
 * A workload of two or three sessions on one new schema, the same for the same seed and schema name. Each session has its own log format,
 * row image, GTID domain, time zone, SQL mode and character set.
 */
export function randomWorkload(seed: number, options: { schema: string; loadFile: string }): RandomWorkload {
  const chance = new Chance(seed);
  const sessions = 2 + chance.int(2);
  const steps: Step[] = schemaStatements(chance, options.schema).map((sql) => ({ session: 0, sql }));
  const queues = Array.from({ length: sessions }, (_, session) => queueOf(chance, { ...options, session }));
  let session = 0;
  let mayLeave = true;
  while (queues.some(({ length }) => length > 0)) {
    if ((queues[session]?.length ?? 0) === 0 || (mayLeave && chance.percent(SWITCH_PERCENT)))
      session = chance.int(sessions);
    const next = queues[session]?.shift();
    if (next === undefined) continue;
    steps.push({ session, sql: next.sql });
    mayLeave = next.mayLeave;
  }
  return { sessions, steps };
}

function queueOf(chance: Chance, o: { schema: string; loadFile: string; session: number }): Queued[] {
  const format = chance.pick(FORMATS);
  const repeatable = format === 'STATEMENT';
  const sqlMode = chance.pick(SQL_MODES);
  // Such a server logs the escape character of LOAD DATA so that it cannot read it again (MariaDB 10.11).
  const loadFile = sqlMode.includes('NO_BACKSLASH_ESCAPES') ? null : o.loadFile;
  const units: Unit[] = Array.from({ length: UNITS_PER_SESSION }, (_, index) =>
    randomUnit({ ...o, loadFile, chance, repeatable, fresh: `u${o.session}_${index}` }),
  );
  const settings = sessionStatements(chance, { ...o, format, sqlMode });
  return [{ statements: settings, alone: false }, ...units].flatMap(({ statements, alone }) =>
    statements.map((sql, index) => ({ sql, mayLeave: !alone || index === statements.length - 1 })),
  );
}

interface Queued {
  readonly sql: string;
  /** Another session may come next. */
  readonly mayLeave: boolean;
}

function sessionStatements(chance: Chance, o: { schema: string; format: string; sqlMode: string }): string[] {
  const domain = chance.pick([0, 0, 1, 2]);
  return [
    `USE \`${o.schema.replaceAll('`', '``')}\``,
    `SET SESSION binlog_format = ${o.format}, binlog_row_image = ${chance.pick(['FULL', 'FULL', 'MINIMAL', 'NOBLOB'])}`,
    `SET SESSION gtid_domain_id = ${domain}`,
    `SET SESSION time_zone = '${chance.pick(['SYSTEM', '+00:00', '-05:30', '+14:00'])}'`,
    `SET SESSION sql_mode = '${o.sqlMode}'`,
    ...(chance.percent(20) ? ['SET SESSION foreign_key_checks = 0'] : []),
    ...(chance.percent(15) ? ['SET SESSION unique_checks = 0'] : []),
    ...(chance.percent(20) ? [`SET NAMES ${chance.pick(['latin1', 'utf8mb3', 'utf8mb4 COLLATE utf8mb4_bin'])}`] : []),
    ...(chance.percent(20) ? ['SET SESSION auto_increment_increment = 3, auto_increment_offset = 2'] : []),
    ...(chance.percent(15) ? ['SET SESSION lc_time_names = de_DE'] : []),
    // Nobody waits for anybody: statements run one after the other, and the one that is waited for would not come.
    'SET SESSION innodb_lock_wait_timeout = 0, lock_wait_timeout = 0',
  ];
}

const SQL_MODES = [
  'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION',
  '',
  'ANSI_QUOTES,PIPES_AS_CONCAT',
  'NO_BACKSLASH_ESCAPES',
  'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES',
];
