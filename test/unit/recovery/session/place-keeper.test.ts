import { describe, expect, it } from 'vitest';
import { PlaceKeeper } from '../../../../src/recovery/session/place-keeper.ts';
import { own, type PlacedStatement } from '../../../../src/recovery/session/statement.ts';

const GROUP = { gtid: null, start: 100, end: 900 };
const ofLog = (sql: string): PlacedStatement =>
  ({ ...own(sql), logged: { text: Buffer.from(sql), sqlMode: 0 } }) as PlacedStatement;
const ours = (sql: string): PlacedStatement => own(sql) as PlacedStatement;

function ending(statements: PlacedStatement[], o: { writesLog?: boolean; byGtids?: boolean } = {}): string[] {
  const keeper = new PlaceKeeper({ groups: 41, writesLog: false, byGtids: false, ...o });
  return keeper.ending(statements, GROUP).map(({ sql }) => sql.toString());
}

const unlogged = (sql: string) => ['SET SESSION sql_log_bin=0', sql, 'SET SESSION sql_log_bin=1'];
const move = (done: number, position: number): string =>
  `INSERT INTO mysql.lastgood_place (id,done,position) VALUES (1,${done},${position}) ON DUPLICATE KEY UPDATE done=${done},position=${position}`;
const MOVE = move(42, 900);

describe('the place of a session', () => {
  it('moves in the transaction that ends with the group', () => {
    expect(ending([ofLog('DELETE FROM a'), ours('COMMIT')], { writesLog: true })).toEqual([
      'DELETE FROM a',
      MOVE,
      'COMMIT',
    ]);
  });

  it('moves behind what is no transaction, and without a trace in the log of the target', () => {
    expect(ending([ours('ROLLBACK')])).toEqual(['ROLLBACK', MOVE]);
    expect(ending([ours("XA PREPARE 'a'")], { writesLog: true })).toEqual(["XA PREPARE 'a'", ...unlogged(MOVE)]);
  });

  it('says that a definition comes before it does', () => {
    const begin = 'UPDATE mysql.lastgood_place SET begun=42 WHERE id=1';
    expect(ending([ours('USE a'), ofLog('DROP TABLE a')])).toEqual([begin, 'USE a', 'DROP TABLE a', MOVE]);
    expect(ending([ofLog('DROP TABLE a')], { writesLog: true })).toEqual([
      ...unlogged(begin),
      'DROP TABLE a',
      ...unlogged(MOVE),
    ]);
  });

  it.each([
    ['CREATE TABLE a (b INT)', true],
    ['/* insert */ GRANT ALL ON *.* TO a', true],
    [' insert into a values (1)', false],
  ])('is kept apart from what stands before %s: %s', (sql, isApart) => {
    const keeper = new PlaceKeeper({ groups: 0, writesLog: false, byGtids: false });
    expect(keeper.isApart([ofLog(sql)])).toBe(isApart);
    expect(new PlaceKeeper({ groups: 0, writesLog: false, byGtids: true }).isApart([ofLog(sql)])).toBe(false);
  });

  it('needs nothing where GTIDs tell it', () => {
    expect(ending([ours('COMMIT')], { byGtids: true })).toEqual(['COMMIT']);
  });

  it('counts on from group to group', () => {
    const keeper = new PlaceKeeper({ groups: 0, writesLog: false, byGtids: false });
    const places = [300, 500].map((end) => keeper.ending([ours('COMMIT')], { ...GROUP, end })[0]?.sql.toString());
    expect(places).toEqual([move(1, 300), move(2, 500)]);
  });
});
