const WORD = /[\w$\x80-\u{10ffff}]+/gu;

/** The words of a text in lower case, names in quotes among them. */
export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(WORD) ?? [];
}
