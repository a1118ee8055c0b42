import type { ExpectedIncident, IncidentForm } from './form.ts';

const VIEWS = ['CREATE VIEW v AS SELECT 1 AS one', 'CREATE VIEW v2 AS SELECT 2 AS two'];
const TRIGGER = ['CREATE TABLE a (id INT)', 'CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW SET NEW.id = 1'];
const PROCEDURE = ['CREATE PROCEDURE p() SELECT 1'];
const FUNCTION = ['CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1'];
const EVENT = ['CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1'];
const SEQUENCE = ['CREATE SEQUENCE s'];
const USERS = ['CREATE USER $db_u', "CREATE USER $db_x@localhost IDENTIFIED BY 'secret'"];

interface Row {
  readonly sql: string;
  readonly setup: readonly string[];
  readonly finds: ExpectedIncident;
  readonly flavor?: 'mariadb';
}

const view = { kind: 'drop-view', objects: ['view $db.v'] } as const;
const trigger = { kind: 'drop-trigger', objects: ['trigger $db.t'] } as const;
const procedure = { kind: 'drop-routine', objects: ['routine $db.p'] } as const;
const fn = { kind: 'drop-routine', objects: ['routine $db.f'] } as const;
const event = { kind: 'drop-event', objects: ['event $db.e'] } as const;
const sequence = { kind: 'drop-sequence', objects: ['sequence $db.s'] } as const;

const ROWS: readonly Row[] = [
  { sql: 'DROP VIEW v', setup: VIEWS, finds: view },
  { sql: 'DROP VIEW IF EXISTS `$db`.`v`', setup: VIEWS, finds: view },
  {
    sql: 'drop /* x */ view v, $db.v2 cascade',
    setup: VIEWS,
    finds: { ...view, objects: ['view $db.v', 'view $db.v2'] },
  },
  {
    sql: 'DROP VIEW IF EXISTS v, nosuch',
    setup: VIEWS,
    finds: { ...view, objects: ['view $db.v', 'view $db.nosuch'] },
  },
  { sql: 'DROP TRIGGER t', setup: TRIGGER, finds: trigger },
  { sql: 'DROP TRIGGER IF EXISTS $db.t', setup: TRIGGER, finds: trigger },
  { sql: 'DROP PROCEDURE p', setup: PROCEDURE, finds: procedure },
  { sql: 'drop procedure if exists `$db` . `p`', setup: PROCEDURE, finds: procedure },
  { sql: 'DROP FUNCTION f', setup: FUNCTION, finds: fn },
  { sql: 'DROP /*!50000 FUNCTION */ IF EXISTS $db.f', setup: FUNCTION, finds: fn },
  { sql: 'DROP EVENT e', setup: EVENT, finds: event },
  { sql: 'DROP EVENT IF EXISTS $db.e', setup: EVENT, finds: event },
  { sql: 'DROP SEQUENCE s', setup: SEQUENCE, finds: sequence, flavor: 'mariadb' },
  { sql: 'DROP SEQUENCE IF EXISTS $db.s', setup: SEQUENCE, finds: sequence, flavor: 'mariadb' },
  { sql: 'DROP USER $db_u', setup: USERS, finds: { kind: 'drop-user', objects: ['user $db_u'] } },
  {
    sql: "DROP USER '$db_u'@'%', $db_x@localhost",
    setup: USERS,
    finds: { kind: 'drop-user', objects: ['user $db_u@%', 'user $db_x@localhost'] },
  },
  {
    sql: 'DROP USER IF EXISTS `$db_x`@`localhost`',
    setup: USERS,
    finds: { kind: 'drop-user', objects: ['user $db_x@localhost'] },
    flavor: 'mariadb',
  },
  {
    sql: 'DROP ROLE $db_r',
    setup: ['CREATE ROLE $db_r'],
    finds: { kind: 'drop-user', objects: ['user $db_r'] },
    flavor: 'mariadb',
  },
  {
    sql: 'DROP ROLE IF EXISTS `$db_r`',
    setup: ['CREATE ROLE $db_r'],
    finds: { kind: 'drop-user', objects: ['user $db_r'] },
    flavor: 'mariadb',
  },
];

const REPLACED: readonly IncidentForm[] = [
  {
    name: 'CREATE OR REPLACE SEQUENCE, which begins anew',
    setup: SEQUENCE,
    steps: ['CREATE OR REPLACE SEQUENCE s START WITH 5'],
    finds: [sequence],
    flavor: 'mariadb',
    leavesNoTrace: true,
  },
  {
    name: 'CREATE OR REPLACE USER, who loses all rights',
    setup: [...USERS, 'GRANT SELECT ON $db.* TO $db_u'],
    steps: ["CREATE OR REPLACE USER $db_u IDENTIFIED BY 'other'"],
    finds: [{ kind: 'drop-user', objects: ['user $db_u'] }],
    flavor: 'mariadb',
    leavesNoTrace: true,
  },
];

const ORACLE_PACKAGE = [
  "SET sql_mode = 'ORACLE'",
  'CREATE PACKAGE k AS FUNCTION f RETURN INT; END',
  'CREATE PACKAGE BODY k AS FUNCTION f RETURN INT AS BEGIN RETURN 1; END; END',
];

const PACKAGES: readonly IncidentForm[] = [
  {
    name: 'CREATE OR REPLACE PACKAGE, which loses its body',
    setup: ORACLE_PACKAGE,
    steps: ['CREATE OR REPLACE PACKAGE k AS FUNCTION f RETURN INT; END'],
    finds: [{ kind: 'drop-routine', objects: ['routine $db.k'], suspicious: true }],
    flavor: 'mariadb',
  },
  {
    name: 'DROP PACKAGE',
    setup: ORACLE_PACKAGE,
    steps: ['DROP PACKAGE k'],
    finds: [{ kind: 'drop-routine', objects: ['routine $db.k'] }],
    flavor: 'mariadb',
  },
  {
    name: 'DROP PACKAGE BODY',
    setup: ORACLE_PACKAGE,
    steps: ['DROP PACKAGE BODY IF EXISTS $db.k'],
    finds: [{ kind: 'drop-routine', objects: ['routine $db.k'] }],
    flavor: 'mariadb',
  },
];

export const OTHER_OBJECT_FORMS: readonly IncidentForm[] = [
  ...ROWS.map(({ sql, setup, finds, flavor }): IncidentForm => ({
    name: sql,
    setup,
    steps: [sql],
    finds: [finds],
    ...(flavor === undefined ? {} : { flavor }),
  })),
  ...REPLACED,
  ...PACKAGES,
];
