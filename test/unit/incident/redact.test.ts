import { describe, expect, it } from 'vitest';
import { dialectOf } from '../../../src/incident/dialect.ts';
import { MAX_STATEMENT_CHARACTERS, redactInAnyMode, redactStatement } from '../../../src/incident/redact.ts';
import { ANSI_QUOTES, MARIADB, NO_BACKSLASH_ESCAPES } from './statements.ts';

const redact = (statement: string, sqlMode = 0): string =>
  redactStatement(statement, dialectOf(MARIADB, sqlMode, false));

describe('redactStatement', () => {
  const rows: readonly (readonly [statement: string, redacted: string])[] = [
    ['DROP TABLE `a`', 'DROP TABLE `a`'],
    ["CREATE USER u IDENTIFIED BY 'pw'", "CREATE USER u IDENTIFIED BY '***'"],
    ['CREATE USER u identified by "pw"', "CREATE USER u identified by '***'"],
    ["CREATE USER 'u'@'h' IDENTIFIED BY PASSWORD '*AB'", "CREATE USER 'u'@'h' IDENTIFIED BY PASSWORD '***'"],
    [
      "CREATE USER a IDENTIFIED BY 'x', b IDENTIFIED BY 'y' REQUIRE SSL",
      "CREATE USER a IDENTIFIED BY '***', b IDENTIFIED BY '***' REQUIRE SSL",
    ],
    [
      "ALTER USER u IDENTIFIED VIA ed25519 USING PASSWORD('x') OR unix_socket",
      "ALTER USER u IDENTIFIED VIA ed25519 USING PASSWORD('***') OR unix_socket",
    ],
    [
      "ALTER USER u IDENTIFIED WITH caching_sha2_password AS 0x2441 REPLACE 'old'",
      "ALTER USER u IDENTIFIED WITH caching_sha2_password AS '***' REPLACE '***'",
    ],
    ["GRANT ALL ON *.* TO 'u'@'%' IDENTIFIED BY 'it''s'", "GRANT ALL ON *.* TO 'u'@'%' IDENTIFIED BY '***'"],
    ["GRANT ALL ON *.* TO u IDENTIFIED BY 'a\\'b' WITH x", "GRANT ALL ON *.* TO u IDENTIFIED BY '***' WITH x"],
    ["SET PASSWORD FOR 'u'@'h' = PASSWORD('pw')", "SET PASSWORD FOR 'u'@'h' = PASSWORD('***')"],
    ["SET PASSWORD FOR 'u'@'h'='*AB'", "SET PASSWORD FOR 'u'@'h'='***'"],
    ["SET PASSWORD = 'pw'", "SET PASSWORD = '***'"],
    ["SET @old_password := 'pw'", "SET @old_password := '***'"],
    ["SELECT OLD_PASSWORD('pw')", "SELECT OLD_PASSWORD('***')"],
    [
      "CHANGE MASTER TO MASTER_HOST='h', MASTER_PASSWORD='pw', MASTER_PORT=1",
      "CHANGE MASTER TO MASTER_HOST='h', MASTER_PASSWORD='***', MASTER_PORT=1",
    ],
    [
      "CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (USER 'u', PASSWORD 'pw')",
      "CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (USER 'u', PASSWORD '***')",
    ],
    [
      "CREATE TABLE t (a INT) ENGINE=FEDERATED CONNECTION='mysql://u:pw@h/d/t'",
      "CREATE TABLE t (a INT) ENGINE=FEDERATED CONNECTION='***'",
    ],
    [
      "UPDATE t SET a = AES_ENCRYPT(CONCAT('x', 'y'), 'key') WHERE b = 'c'",
      "UPDATE t SET a = AES_ENCRYPT(CONCAT('***', '***'), '***') WHERE b = 'c'",
    ],
    [
      "CREATE USER u IDENTIFIED BY 'a' AND IDENTIFIED WITH auth BY 'b' AND IDENTIFIED WITH c AS 'd'",
      "CREATE USER u IDENTIFIED BY '***' AND IDENTIFIED WITH auth BY '***' AND IDENTIFIED WITH c AS '***'",
    ],
    ["ALTER USER u IDENTIFIED BY 'new' REPLACE 'old'", "ALTER USER u IDENTIFIED BY '***' REPLACE '***'"],
    ["CREATE USER u IDENTIFIED WITH x USING 'hash'", "CREATE USER u IDENTIFIED WITH x USING '***'"],
    ["ALTER USER u ADD 2 FACTOR IDENTIFIED WITH x BY 'pw'", "ALTER USER u ADD 2 FACTOR IDENTIFIED WITH x BY '***'"],
    [
      "ALTER USER u 2 FACTOR FINISH REGISTRATION SET CHALLENGE_RESPONSE AS 'x'",
      "ALTER USER u 2 FACTOR FINISH REGISTRATION SET CHALLENGE_RESPONSE AS '***'",
    ],
    ["SET PASSWORD FOR u@h = 'new' REPLACE 'old'", "SET PASSWORD FOR u@h = '***' REPLACE '***'"],
    ["SET PASSWORD = _utf8mb4'pw'", "SET PASSWORD = _utf8mb4'***'"],
    ["SET PASSWORD = N'p' 'w'", "SET PASSWORD = N'***' '***'"],
    ["SET PASSWORD FOR u = OLD_PASSWORD('pw')", "SET PASSWORD FOR u = OLD_PASSWORD('***')"],
    ["START SLAVE USER='u' PASSWORD='pw'", "START SLAVE USER='u' PASSWORD='***'"],
    ["START REPLICA USER='u', PASSWORD='pw'", "START REPLICA USER='u', PASSWORD='***'"],
    [
      "CHANGE REPLICATION SOURCE TO SOURCE_USER='u', SOURCE_PASSWORD='pw'",
      "CHANGE REPLICATION SOURCE TO SOURCE_USER='u', SOURCE_PASSWORD='***'",
    ],
    ["ALTER SERVER s OPTIONS (PASSWORD 'pw', HOST 'h')", "ALTER SERVER s OPTIONS (PASSWORD '***', HOST 'h')"],
    [
      "UPDATE mysql.user SET authentication_string='*AB', host='h'",
      "UPDATE mysql.user SET authentication_string='***', host='h'",
    ],
    ["UPDATE t SET a = SHA2('pw', 256), b = md5('pw')", "UPDATE t SET a = SHA2('***', 256), b = md5('***')"],
    ["UPDATE t SET a = SHA1(CONCAT('salt', 'pw')), b = 'c'", "UPDATE t SET a = SHA1(CONCAT('***', '***')), b = 'c'"],
    ["ALTER TABLE t DROP a, ENCRYPTION_KEY='pw'", "ALTER TABLE t DROP a, ENCRYPTION_KEY='***'"],
    [
      'ALTER TABLE t DROP a, ENCRYPTION_KEY_ID=5, FOREIGN KEY (b)',
      'ALTER TABLE t DROP a, ENCRYPTION_KEY_ID=5, FOREIGN KEY (b)',
    ],
    [
      "UPDATE t SET api_key = 'pw', token = 'pw', keyname = 'k'",
      "UPDATE t SET api_key = '***', token = '***', keyname = 'k'",
    ],
    ["UPDATE users SET `password` = 'pw', name = 'n'", "UPDATE users SET `password` = '***', name = 'n'"],
    ["UPDATE users SET api_secret = 'pw'", "UPDATE users SET api_secret = '***'"],
    ["UPDATE t SET a = ENCODE('x', 'key'), b = 'c'", "UPDATE t SET a = ENCODE('***', '***'), b = 'c'"],
    [
      'CREATE TABLE t (a INT) ENGINE=SPIDER COMMENT=\'wrapper "mysql", password "pw"\'',
      "CREATE TABLE t (a INT) ENGINE=SPIDER COMMENT='***'",
    ],
    [
      "CREATE TABLE t (a INT) ENGINE=CONNECT OPTION_LIST='user=u,password=pw'",
      "CREATE TABLE t (a INT) ENGINE=CONNECT OPTION_LIST='***'",
    ],
    ["UPDATE t SET dsn = 'mysql://u:pw@h/d' WHERE a = 1", "UPDATE t SET dsn = '***' WHERE a = 1"],
    ["DELETE FROM t WHERE url = 'http://example.com:80/a@b'", "DELETE FROM t WHERE url = 'http://example.com:80/a@b'"],
    ["DROP TABLE a, `password`, b COMMENT 'x'", "DROP TABLE a, `password`, b COMMENT 'x'"],
    ["/*!50001 CREATE USER u IDENTIFIED BY 'pw' */", "/*!50001 CREATE USER u IDENTIFIED BY '***' */"],
    ["CREATE USER u IDENTIFIED BY 'not terminated", "CREATE USER u IDENTIFIED BY '***'"],
    ["DROP TABLE password, b COMMENT 'x'", "DROP TABLE password, b COMMENT 'x'"],
    ["ALTER USER u PASSWORD EXPIRE COMMENT 'x'", "ALTER USER u PASSWORD EXPIRE COMMENT 'x'"],
  ];

  it.each(rows)('hides the secrets in %j', (statement, redacted) => {
    expect(redact(statement)).toBe(redacted);
  });

  it('finds the end of a secret as the session did', () => {
    expect(redact("SET PASSWORD = 'a\\', x = 'b'", NO_BACKSLASH_ESCAPES)).toBe("SET PASSWORD = '***', x = 'b'");
    expect(redact('CREATE USER u IDENTIFIED BY "pw"', ANSI_QUOTES)).toBe("CREATE USER u IDENTIFIED BY '***'");
  });

  it.each([
    ["UPDATE u SET a='C:\\', api_key='pw'", "UPDATE u SET a='C:\\', api_key='***'"],
    ["UPDATE u SET password='C:\\', token='pw'", "UPDATE u SET password='***'"],
    ['UPDATE "u" SET "password"=\'pw\', b="c"', 'UPDATE "u" SET "password"=\'***\', b="c"'],
    ["UPDATE u SET password='p\\'w', b='c'", "UPDATE u SET password='***', b='c'"],
    ["UPDATE u SET a='it\\'s', b='c' WHERE d=1", "UPDATE u SET a='it\\'s', b='c' WHERE d=1"],
  ])('hides what is a secret in any SQL mode in %j', (statement, redacted) => {
    expect(redactInAnyMode(statement, dialectOf(MARIADB, 0, false))).toBe(redacted);
  });

  it('leaves a text of the full length as it is, and cuts a longer one with an ellipsis', () => {
    const full = 'DROP TABLE '.padEnd(MAX_STATEMENT_CHARACTERS, 'a');
    expect(redact(full)).toBe(full);
    expect(redact(`${full}b`)).toBe(`${full.slice(0, -1)}…`);
    expect(redact(`${full}b`)).toHaveLength(MAX_STATEMENT_CHARACTERS);
  });

  it('does not cut a character in half', () => {
    const cut = redact('DROP TABLE '.padEnd(MAX_STATEMENT_CHARACTERS - 2, 'a') + '😀'.repeat(3));
    expect(cut).toMatch(/a…$/);
  });

  it('hides a secret that the cut goes through', () => {
    const statement = `${'SELECT 1 '.padEnd(MAX_STATEMENT_CHARACTERS - 20, ' ')}IDENTIFIED BY 'secret that is long'`;
    expect(redact(statement)).not.toContain('secr');
  });
});
