import { describe, expect, it } from 'vitest';
import { textKeyOf } from '../../src/operations/skip/text-key.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import { Chance } from '../support/chance.ts';
import { chooseSeed } from '../support/random.ts';
import { startMysql56, startPrimary } from '../support/servers.ts';

const CASES = 25;
const VALUES = 150;
const TOKENS = [
  ...Array.from('aAäÄåÅæÆ[\\]^{|}~`@§ßsSşŠøØoOöœyYüuUÿvViIıİjJcCçhdDđÐzþtTŧlLłnNñŋeEéẽƒµ1１²- \t·€'),
  ...Array.from('еЕёЁгГґҐйИσςΣάΑΩώかがカガッツァア一丁乙가힣😀🍣♥—“'),
  ...['ae', 'aa', 'oe', 'ue', 'ss', 'th', 'ch', 'cs', 'ccs', 'dz', 'dzs', 'll', 'lj', 'a\u0308', 'e\u0301', '  '],
] as const;

interface Collation {
  readonly name: string;
  readonly charset: string;
  readonly bytes: number;
}

const COLLATIONS = {
  mariadb: `SELECT FULL_COLLATION_NAME AS name, CHARACTER_SET_NAME AS charset, MAXLEN AS bytes
     FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY JOIN information_schema.CHARACTER_SETS
     USING (CHARACTER_SET_NAME) WHERE CHARACTER_SET_NAME <> 'binary' ORDER BY name`,
  mysql: `SELECT COLLATION_NAME AS name, CHARACTER_SET_NAME AS charset, MAXLEN AS bytes
     FROM information_schema.COLLATIONS JOIN information_schema.CHARACTER_SETS USING (CHARACTER_SET_NAME)
     WHERE CHARACTER_SET_NAME <> 'binary' ORDER BY name`,
};

interface Form {
  readonly type: string;
  readonly prefix: number | null;
}

function formOf(chance: Chance, flavor: 'mariadb' | 'mysql'): Form {
  const types = ['VARCHAR(12)', 'CHAR(12)', 'TEXT'];
  const type = chance.pick(types);
  // MySQL has no unique keys over whole texts.
  const isWhole = chance.happens(0.6) && (type !== 'TEXT' || flavor === 'mariadb');
  return { type, prefix: isWhole ? null : 1 + chance.int(4) };
}

/** As an SQL expression in the character set: text that it has, or any bytes where each is a character. */
function valueOf(chance: Chance, { charset, bytes }: Collation): string {
  const length = 1 + chance.int(4);
  if (bytes === 1 && chance.happens(0.4)) {
    const raw = Array.from({ length }, () => 32 + chance.int(224));
    return `_${charset} x'${Buffer.from(raw).toString('hex')}'`;
  }
  const text = Array.from({ length }, () => chance.pick(TOKENS)).join('');
  return `CONVERT(_utf8mb4 x'${Buffer.from(text).toString('hex')}' USING ${charset})`;
}

/** Values by what a server with a unique key calls the same, each value as the server stores it. */
async function sameOnServer(
  server: ServerConnection,
  values: readonly string[],
  o: Collation & Form,
): Promise<Buffer[][]> {
  const column = `c ${o.type} CHARACTER SET ${o.charset} COLLATE ${o.name}`;
  await server.query('DROP TABLE IF EXISTS a, k');
  await server.query(`CREATE TABLE a (id INT PRIMARY KEY, ${column})`);
  await server.query(`INSERT IGNORE INTO a VALUES ${values.map((value, id) => `(${id}, ${value})`).join(', ')}`);
  const key = `UNIQUE (c${o.prefix === null ? '' : `(${o.prefix})`})`;
  await server.query(`CREATE TABLE k (id INT, ${column}, ids TEXT CHARACTER SET latin1, ${key})`);
  await server.query(
    `INSERT INTO k (id, c, ids) SELECT id, c, id FROM a ORDER BY id
     ON DUPLICATE KEY UPDATE ids = CONCAT(k.ids, ',', a.id)`,
  );
  const stored = await server.query<{ id: number; hex: string }>('SELECT id, HEX(c) AS hex FROM a');
  const byId = new Map(stored.map(({ id, hex }) => [id, Buffer.from(hex, 'hex')]));
  const groups = await server.query<{ ids: string }>('SELECT ids FROM k');
  return groups.map(({ ids }) => ids.split(',').map((id) => byId.get(Number(id)) as Buffer));
}

describe('two texts that a server calls one key', () => {
  it.each(['mariadb', 'mysql'] as const)('are never told apart: %s', async (flavor) => {
    const seed = chooseSeed();
    const chance = new Chance(seed);
    await using primary = await (flavor === 'mysql' ? startMysql56() : startPrimary());
    await using server = await primary.connect();
    await server.query("SET SESSION sql_mode = '', SESSION sql_log_bin = 0");
    await server.query('CREATE DATABASE s');
    await server.query('USE s');
    const collations = await server.query<Collation>(COLLATIONS[flavor]);
    let [compared, apart] = [0, 0];
    for (let index = 0; index < CASES; index += 1) {
      const collation = chance.pick(collations);
      const form = formOf(chance, flavor);
      const key = textKeyOf({ charset: collation.charset, collation: collation.name }, form.prefix);
      const values = Array.from({ length: VALUES }, () => valueOf(chance, collation));
      const groups = await sameOnServer(server, values, { ...collation, ...form });
      if (key === null) continue;
      const folded = new Set<string>();
      for (const group of groups) {
        const texts = group.map((bytes) => [bytes.toString('hex'), key(bytes)] as const);
        const known = texts.filter(([, text]) => text !== null);
        const different = new Set(known.map(([, text]) => text)).size > 1;
        const what = `seed ${seed}, case ${index}: ${collation.name} ${form.type} ${form.prefix ?? 'whole'}`;
        expect(different ? known : [], what).toEqual([]);
        compared += new Set(known.map(([hex]) => hex)).size > 1 ? 1 : 0;
        for (const [, text] of known) if (text !== null) folded.add(text);
      }
      apart += folded.size;
    }

    // Not by knowing none, and not by calling all of them one.
    expect(compared, `seed ${seed}`).toBeGreaterThan(CASES);
    expect(apart, `seed ${seed}`).toBeGreaterThan(10 * CASES);
  });
});
