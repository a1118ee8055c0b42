import { describe, expect, it } from 'vitest';
import { withoutStatement } from '../../../src/recovery/applier.ts';

describe("an applier's error", () => {
  it('is told without the statement, which may hold a password', () => {
    const error =
      "Error 'Operation CREATE USER failed' on query. Default database: 'shop'. Query: 'CREATE USER a IDENTIFIED BY 'secret''";
    expect(withoutStatement(error)).toBe("Error 'Operation CREATE USER failed' on query. Default database: 'shop'");
  });

  it('is told without what a parser quotes of the statement, quotes in it included', () => {
    const error =
      "Error 'You have an error; check near 'IDENTIFIED BY 'secret' x' at line 1' on query. Default database: ''. Query: 'CREATE'";
    expect(withoutStatement(error)).toBe("Error 'You have an error; check at line 1' on query. Default database: ''");
  });

  it('stays as it is where there is no statement', () => {
    const error =
      "Could not execute Write_rows_v1 event on table shop.t; Duplicate entry '1' for key 'PRIMARY', Error_code: 1062";
    expect(withoutStatement(error)).toBe(error);
  });
});
