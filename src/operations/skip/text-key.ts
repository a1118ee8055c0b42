import { isAscii } from 'node:buffer';
import type { TextType } from '../../recovery/consequences/table-facts.ts';
import { decoderOf, holdsAscii, type Decoder } from '../evidence/charset-decoder.ts';
import { foldText } from './fold-text.ts';

/** Values that a unique key may take for one are one text; null where that is not known of a value. */
export type TextKey = Decoder;

/** They join letters, signs and bytes without letters in ways of their own, or compare in several rounds. */
const OF_THEIR_OWN =
  /^(?:(?:latin2|cp1250)_czech_cs|latin2_hungarian_ci|macce_\w+|cp1257_lithuanian_ci|cp1251_bulgarian_ci|euckr_korean_ci|\w+_w2)$/;

/** Of Lithuanian, Latvian and Latin. */
const JOINS_MORE = /_(?:lithuanian|latvian|roman|lt|lv|la)_/;

/** What single collations take a character for; nothing: for one that counts as nothing. */
const ODD: readonly (readonly [name: RegExp, as: ReadonlyMap<string, string>])[] = [
  [/^(?:latin1|dec8)_swedish_/, oddities('[A \\A ]O ^U')],
  [/^latin1_danish_/, oddities('[A \\O ]A')],
  [/^latin1_german2_/, oddities('\\A')],
  [/^big5_chinese_/, oddities('`E ~Y')],
  [/^gb(?:k|2312)_chinese_/, oddities('~Y')],
  [/^cp1250_general_/, oddities('§S')],
  [/^latin2_general_/, oddities('ß Đ đ')],
  [/^latin7_general_/, oddities('Ø ø')],
  [/^macroman_general_/, oddities('ƒF')],
  [/^tis620_thai_/, oddities('๙')],
];

/** Where a table has none of its own, and neither `_general_ci`. Source: MariaDB 10.11 and MySQL 5.6, SHOW CHARACTER SET. */
const DEFAULTS: ReadonlyMap<string, string> = new Map([
  ['latin1', 'latin1_swedish_ci'],
  ['big5', 'big5_chinese_ci'],
  ['gbk', 'gbk_chinese_ci'],
  ['gb2312', 'gb2312_chinese_ci'],
  ['tis620', 'tis620_thai_ci'],
]);

/**
 * How texts of a column are compared, where that is known of its collation: never finer than the server does it.
 *
 * @param prefix so many characters count; null: all
 * @returns null where it is not known
 */
export function textKeyOf({ charset, collation }: TextType, prefix: number | null): TextKey | null {
  const decode = decoderOf(charset);
  const name = collation ?? DEFAULTS.get(charset) ?? `${charset}_general_ci`;
  if (decode === null || OF_THEIR_OWN.test(name)) return null;
  const fold = folding(name);
  const hasAscii = holdsAscii(charset);
  return (bytes) => {
    const text = hasAscii && isAscii(bytes) ? bytes.toString('latin1') : decode(bytes);
    if (text === null) return null;
    return fold(prefix === null ? text : Array.from(text).slice(0, prefix).join(''));
  };
}

function folding(collation: string): (text: string) => string | null {
  // Most pad with blanks; where one does not, more is one text than need be.
  if (/_bin$/.test(collation)) return (text) => text.replace(/ +$/, '');
  const joinsMore = JOINS_MORE.test(collation);
  const odd = ODD.find(([name]) => name.test(collation))?.[1];
  if (odd === undefined) return (text) => foldText(text, joinsMore);
  const any = new RegExp(
    `[${[...odd.keys()].map((one) => `\\u{${one.codePointAt(0)?.toString(16) ?? ''}}`).join('')}]`,
    'gu',
  );
  return (text) =>
    foldText(
      text.replaceAll(any, (one) => odd.get(one) ?? one),
      joinsMore,
    );
}

function oddities(text: string): Map<string, string> {
  return new Map(text.split(' ').map((pair) => [pair.slice(0, 1), pair.slice(1)]));
}
