import { join } from 'node:path';
import { makeDirectory, writeFileDurably } from '../../platform/durable-file.ts';
import { asHtml } from './html.ts';
import { asMarkdown } from './markdown.ts';
import { reportPage, type ReportFacts } from './restore-report.ts';

/** Where a report is, for people and for programs. */
export interface ReportPaths {
  readonly markdown: string;
  readonly html: string;
  readonly json: string;
}

/** Writes `FOLDER/NAME.md`, `.html` and `.json`; the folder is made where it is not there. @throws LastgoodError `STORAGE_FAILED` */
export async function writeReport(
  { folder, name }: { folder: string; name: string },
  facts: ReportFacts,
): Promise<ReportPaths> {
  const [markdown, html, json] = ['md', 'html', 'json'].map((ending) => join(folder, `${name}.${ending}`)) as [
    string,
    string,
    string,
  ];
  const page = reportPage(facts);
  await makeDirectory(folder);
  await writeFileDurably(json, `${JSON.stringify(facts, null, 2)}\n`);
  await writeFileDurably(markdown, asMarkdown(page));
  await writeFileDurably(html, asHtml(page));
  return { markdown, html, json };
}
