import { createHash } from 'node:crypto';
import { parseJson } from '../platform/parse-json.ts';

/** What a record's text says, and whether it still is what was written: null when it was written without its hash. */
export interface ReadRecord {
  readonly record: object;
  readonly intact: boolean | null;
  /** True when it says something else than what was written: not when it was only laid out anew. */
  readonly isEdited: boolean;
}

/**
 * A record as it stands in its file. Its last field is the SHA-256 of the text without that field: no manifest follows the
 * newest one, and nothing else is derived from `lineage.json`, so nothing else would show one changed letter.
 */
export function renderRecord(record: object): string {
  const content = contentOf(record);
  return render({ ...content, recordSha256: hashOf(content) });
}

/** Reads what `renderRecord` wrote, with any change that was made to it. @throws SyntaxError */
export function parseRecord(text: string): ReadRecord {
  const parsed = parseJson(text);
  if (typeof parsed !== 'object' || parsed === null) throw new SyntaxError('it holds no JSON object');
  const record = contentOf(parsed);
  if (!('recordSha256' in parsed) && !ENDS_IN_HASH.test(text)) return { record, intact: null, isEdited: false };
  const { recordSha256 } = parsed as { recordSha256?: unknown };
  return { record, intact: renderRecord(record) === text, isEdited: recordSha256 !== hashOf(record) };
}

/** The field's own name may be what was changed; no record without it ends like this. */
const ENDS_IN_HASH = /": "[0-9a-f]{64}"\n\}\n$/;

function contentOf(record: object): object {
  const { recordSha256: _, ...content } = record as { recordSha256?: unknown };
  return content;
}

function hashOf(content: object): string {
  return createHash('sha256').update(render(content)).digest('hex');
}

function render(record: object): string {
  return `${JSON.stringify(record, null, 2)}\n`;
}
