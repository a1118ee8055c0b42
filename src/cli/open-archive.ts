import { openArchive, rebuildArchiveCatalog, type OpenArchive } from '../operations/open-archive.ts';
import type { Cli } from './cli.ts';
import { startProgress } from './output/progress.ts';

/** Opens the configured archive, with a bar while its catalog catches up. Needs no passwords. */
export async function openConfiguredArchive(cli: Cli): Promise<OpenArchive> {
  const { repositoryPath, keyFile } = await cli.offlineSettings();
  return withProgress(cli, (reading) => openArchive(repositoryPath, { ...reading, keyFile }));
}

/** Makes the configured archive's catalog anew, with a bar. @returns what is forgotten by that, one sentence each */
export async function rebuildConfiguredCatalog(cli: Cli): Promise<string[]> {
  const { repositoryPath, keyFile } = await cli.offlineSettings();
  return await withProgress(cli, (reading) => rebuildArchiveCatalog(repositoryPath, { ...reading, keyFile }));
}

type Reading = Parameters<typeof openArchive>[1];

async function withProgress<T>(cli: Cli, work: (reading: Reading) => Promise<T>): Promise<T> {
  using progress = startProgress({ label: 'indexing', shown: cli.showsProgress });
  return await work({
    log: cli.logger,
    signal: cli.signal,
    progress: ({ bytes, totalBytes }) => {
      progress.update(bytes, totalBytes);
    },
  });
}
