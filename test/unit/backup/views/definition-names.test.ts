import { describe, expect, it } from 'vitest';
import { needsOf } from '../../../../src/backup/views/definition-names.ts';

/** What a definition reads, as `kind schema.name(columns)`. */
function needs(definition: string): string[] {
  return needsOf(definition).objects.map(({ kind, key, columns }) => `${kind} ${key}(${columns.join()})`);
}

describe('what a definition reads', () => {
  it('is each table with the columns behind its name or its alias', () => {
    const text =
      'select `x`.`a` AS `a`,`s`.`t`.`b``c` AS `b` from (`s`.`t` left join (`o`.`t` `x` join `s`.`u` `y` on(`y`.`k` = `x`.`A`)) on(`s`.`t`.`d` = `x`.`e`))';
    expect(needs(text)).toEqual(['table `s`.`t`(b`c,d)', 'table `o`.`t`(A,e)', 'table `s`.`u`(k)']);
  });

  it('is a view where columns stand behind its name alone, and a table else', () => {
    expect(needs('select `v`.`a` AS `a` from `s`.`v`')).toEqual(['view `s`.`v`(a)']);
    expect(needs('select `v`.`a` AS `v` from `s`.`t` `v` order by `v`')).toEqual(['table `s`.`t`(a)']);
    expect(needs('select count(0) AS `t` from `s`.`t` having `t` > 1')).toEqual(['table `s`.`t`()']);
  });

  it('is found in queries within it, whatever they are for', () => {
    const text =
      'with c as (select `s`.`a`.`x` AS `x` from `s`.`a`)select `c`.`x` AS `x` from (`c` join (select max(`s`.`b`.`x`) AS `m` from `s`.`b`) `d`) where exists(select 1 from `s`.`e` where `s`.`e`.`x` = `d`.`m` limit 1) union select `f`.`y` from `s`.`g` `f`';
    expect(needs(text)).toEqual(['table `s`.`a`(x)', 'table `s`.`b`(x)', 'table `s`.`e`(x)', 'table `s`.`g`(y)']);
  });

  it('is no table behind the FROM of a function, and none in a text', () => {
    const text =
      "select extract(day from `t`.`d`) AS `d`,trim(both 'x' from `t`.`b`) AS `b`,`s`.`f`('from `s`.`no`') AS `f`,'it\\'s `' AS `q` from `s`.`t` `t`";
    expect(needs(text)).toEqual(['table `s`.`t`(d,b)']);
  });

  it('is a sequence where its values are asked for', () => {
    expect(needs('select nextval(`s`.`q`) AS `n`,lastval(`s`.`r`) AS `l`,`s`.`nextval`(`x`.`f`) AS `f`')).toEqual([
      'sequence `s`.`q`()',
      'sequence `s`.`r`()',
    ]);
  });

  it('has the functions that are not the server itself, with the number of their arguments', () => {
    const text =
      'select `s`.`f`(concat(`t`.`a`,1),(2,3),`g`()) AS `f`,`s`.`f`(1,2,3) AS `h` from `s`.`t` `t` where `h`(`t`.`a`)';
    expect(needsOf(text).functions).toEqual([
      { schema: 's', name: 'f', arguments: 3 },
      { schema: null, name: 'g', arguments: 0 },
      { schema: null, name: 'h', arguments: 1 },
    ]);
  });

  it('has its collations, each once, and tells of functions in the place of tables', () => {
    const { collations, isShowable } = needsOf(
      "select 'collate x' collate a_bin,'y' collate a_bin collate b_ci AS `collate`",
    );
    expect([collations, isShowable]).toEqual([['a_bin', 'b_ci'], true]);
    const json = "select `j`.`i` AS `i` from JSON_TABLE(`s`.`t`.`b`, '$' COLUMNS (`i` int(11) PATH '$')) `j`";
    expect(needsOf(json).isShowable).toBe(false);
    expect(needsOf("select 'json_table(' AS `json_table` from `s`.`t`").isShowable).toBe(true);
  });
});
