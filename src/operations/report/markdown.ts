import type { Block, ReportPage } from './blocks.ts';

/** The report as Markdown, for a repository or a wiki. Nothing in it is taken for a mark. */
export function asMarkdown({ title, verdict, sections }: ReportPage): string {
  const parts = sections.flatMap((section) => [`## ${plain(section.title)}`, ...section.blocks.map(blockText)]);
  return `${[`# ${plain(title)}`, `**${plain(verdict)}**`, ...parts].join('\n\n')}\n`;
}

function blockText(block: Block): string {
  switch (block.kind) {
    case 'text':
      return plain(block.text);
    case 'facts':
      return block.facts.map(([label, value]) => `- ${plain(label)}: ${plain(value)}`).join('\n');
    case 'list':
      return block.items.map((item) => `- ${plain(item)}`).join('\n');
    case 'table':
      return [
        row(block.head),
        row(block.head.map(() => '---')),
        ...block.rows.map((cells) => row(cells.map(plain))),
      ].join('\n');
    case 'commands':
      return block.steps.map(({ say, run }) => `${plain(say)}\n\n${indented(run)}`).join('\n\n');
  }
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

/** A block by indentation: no fence that the command itself could close. */
function indented(run: string): string {
  return run
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
}

/** One line, whose marks mean themselves. */
function plain(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll(/[\\`*_|<>[\]]/g, String.raw`\$&`);
}
