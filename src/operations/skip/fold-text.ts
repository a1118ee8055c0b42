/** Letters that some collations take for others, and that are no such letter with a mark; in capitals, and in katakana. */
const LETTERS = new Map([
  ...pairs('ÆA ŒO ØO ÐD ĐD ĦH ŁL ŊN ẞS ÞT ŦT ҐГ'),
  ...pairs('ァア ィイ ゥウ ェエ ォオ ッツ ャヤ ュユ ョヨ ヮワ ヵカ ヶケ'),
]);
const ANY_LETTER = new RegExp(`[${[...LETTERS.keys()].join('')}]`, 'g');
/** Of these scripts letters are kept, but for the iota that is written below others; of any other, and of signs, nothing is. */
const SCRIPTS = 'Greek Cyrillic Han Hangul Hiragana Katakana'.split(' ').map((name) => `\\p{sc=${name}}`);
const OTHERS = new RegExp(`(?![A-Z0-9])(?:[^${SCRIPTS.join('')}]|\\P{L}|Ι)`, 'gu');
/** From a hiragana character to the katakana one of the same sound. */
const KATAKANA = 0x60;

/** Those of ASCII among the known ones. */
const PLAIN = /^[\t\n\r -~]*$/;
/** The characters of which it is known what collations make of them. */
const KNOWN = new RegExp(
  [
    '^[\\t\\n\\r -~\\xa0-\\u017f\\u01a0\\u01a1\\u01af\\u01b0\\u0300-\\u0344ΆΈ-ΊΌΎ-ΡΣ-ώЀ-џҐґ\\u1e00-\\u1ef9',
    '\\u200d\\u2010-\\u2027\\u20a0-\\u20bf\\u2190-\\u23ff\\u2500-\\u2775\\u2794-\\u27bf\\ufe0f\\u{1f300}-\\u{1faff}',
    '\\u3001\\u3002\\u3041-\\u3096\\u30a1-\\u30fc\\u4e00-\\u9fa5\\uac00-\\ud7a3\\uff01-\\uff5e]*$',
  ].join(''),
  'u',
);

/**
 * Texts that a collation may take for one are one here: with marks or without, with an umlaut as another vowel or written with an e,
 * with ß as one s; signs do not count. Compared with every collation of MariaDB 10.11 and MySQL 5.6 for which `textKeyOf` is not null.
 *
 * @param joinsMore also i, j and y are one letter, u and v, c and ch
 * @returns null where the text has characters of which it is not known
 */
export function foldText(text: string, joinsMore: boolean): string | null {
  const isPlain = PLAIN.test(text);
  if (!isPlain && !KNOWN.test(text)) return null;
  const letters = isPlain ? text.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '') : foldLetters(text);
  if (joinsMore) return joinLetters(letters.replaceAll('CH', 'C').replaceAll(/[IJV]/g, 'U'));
  return JOINED.test(letters) ? joinLetters(letters) : letters;
}

/** Letters that some collations write in other ways. */
const JOINED = /Y|TH|[AOU]E|AA|SS/;

function joinLetters(letters: string): string {
  return letters
    .replaceAll('Y', 'U')
    .replaceAll('TH', 'T')
    .replaceAll(/([AOU])E+/g, '$1')
    .replaceAll(/([AS])\1+/g, '$1');
}

function foldLetters(text: string): string {
  return text
    .normalize('NFKD')
    .toUpperCase()
    .normalize('NFKD')
    .replaceAll(/[\u3041-\u3096]/g, (kana) => String.fromCharCode(kana.charCodeAt(0) + KATAKANA))
    .replaceAll(ANY_LETTER, (letter) => LETTERS.get(letter) ?? letter)
    .replaceAll(OTHERS, '');
}

function pairs(text: string): [string, string][] {
  return text.split(' ').map((pair) => [pair.slice(0, 1), pair.slice(1)]);
}
