import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventDefiners, withWholeDefiner } from '../../../src/backup/event-definers.ts';

const HEAD = '\n/*!50106 CREATE*/ /*!50117 DEFINER=';
const REST = '*/ /*!50106 EVENT `ev` ON SCHEDULE EVERY 1 DAY DO select `a`@`b@c` */ ;;\n';

function passed(chunks: readonly Buffer[]): string {
  const definers = new EventDefiners();
  return Buffer.concat([...chunks.map((chunk) => definers.push(chunk)), definers.end()]).toString();
}

describe("an event's definer", () => {
  it.each([
    ['`root`@`localhost`', '`root`@`localhost`'],
    ['`bob`@`example.com@%`', '`bob@example.com`@`%`'],
    ['`a```@`b``@c@10.0.0.%`', '`a``@b``@c`@`10.0.0.%`'],
    ['``@`@%`', '`@`@`%`'],
    ['`r`@`x@`', '`r@x`'], // a role
    ["`r` DO SELECT 'DEFINER=`a`@`b@c`'", "`r` DO SELECT 'DEFINER=`a`@`b@c`'"],
  ])('%s is %s', (shown, stored) => {
    expect(withWholeDefiner(`CREATE DEFINER=${shown} EVENT \`e\``)).toBe(`CREATE DEFINER=${stored} EVENT \`e\``);
  });

  it('is put right in a dump, in whatever pieces that comes, and nothing else is', () => {
    const name = fc.string({ unit: fc.constantFrom('a', '@', '`', 'é', '*/') });
    const piece = fc.oneof(
      fc.string().map((text) => ({ shown: text, stored: text })),
      fc
        .constantFrom('\n', HEAD, HEAD.slice(0, 9), HEAD.slice(0, -1), `${HEAD}\`r@x\`${REST}`)
        .map((text) => ({ shown: text, stored: text })),
      fc.tuple(name, name).map(([user, more]) => {
        const whole = `${user}@${more}`;
        const [, first = '', second = ''] = /^([^@]*)@(.*)$/su.exec(`${whole}@%`) ?? [];
        const quote = (text: string): string => `\`${text.replaceAll('`', '``')}\``;
        return {
          shown: `${HEAD}${quote(first)}@${quote(second)}${REST}`,
          stored: `${HEAD}${quote(whole)}@${quote('%')}${REST}`,
        };
      }),
    );
    fc.assert(
      fc.property(fc.array(piece), fc.array(fc.nat({ max: 60 })), (pieces, sizes) => {
        const dump = Buffer.from(pieces.map(({ shown }) => shown).join(''));
        const chunks: Buffer[] = [];
        let at = 0;
        for (const size of sizes) {
          chunks.push(dump.subarray(at, at + size));
          at += size;
        }
        chunks.push(dump.subarray(at));
        expect(passed(chunks)).toBe(pieces.map(({ stored }) => stored).join(''));
      }),
      { numRuns: 500 },
    );
  });

  it('is passed on without being held back where no event begins', () => {
    const rows = Buffer.from("INSERT INTO `t` VALUES\n(1,'x')");
    const definers = new EventDefiners();
    expect(definers.push(rows)).toEqual(rows);
    expect(definers.end()).toHaveLength(0);
  });
});
