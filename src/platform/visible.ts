/**
 * What a log or a person wrote is shown on a terminal, and must not steer it: the names of tables, statements and reasons may hold
 * whatever their writers liked.
 */

/**
 * C0 but for tab and line feed, DEL, C1, and what turns the direction of text, so that it reads as something else; and line ends
 * that only some programs take for such.
 * Source: Unicode Standard Annex #9, "Directional Formatting Characters"; ECMA-48, 5.2 and 5.3.
 */
const STEERING = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/g;

/** What our output and the log are coloured with, and nothing else: it changes how letters look, never where or whether they stand. */
const OUR_COLORS = /(\u001B\[(?:1|2|22|3[1-69]|90)m)/;

/**
 * Text as it may be sent to a terminal: each control character as its escape, `\x1b`; line feeds and tabs as they are.
 *
 * @param options.colors true when the text was painted: our colours stay
 */
export function visible(text: string, { colors = false }: { colors?: boolean } = {}): string {
  if (!colors) return text.replaceAll(STEERING, escaped);
  // With a group in the pattern every second piece is what matched.
  const pieces = text.split(OUR_COLORS);
  return pieces.map((piece, index) => (index % 2 === 1 ? piece : piece.replaceAll(STEERING, escaped))).join('');
}

/** Text that must not begin a line of its own: in a table, in a title, in a list. */
export function oneLine(text: string): string {
  return text.replaceAll(/[\n\t]/g, escaped);
}

const NAMED: Readonly<Record<string, string>> = { '\n': String.raw`\n`, '\t': String.raw`\t`, '\r': String.raw`\r` };

function escaped(character: string): string {
  const code = character.charCodeAt(0).toString(16);
  return NAMED[character] ?? (code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`);
}
