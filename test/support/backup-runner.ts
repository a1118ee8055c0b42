/** A program for tests: takes one backup with the settings (JSON) in its first argument. */
import { openRepository } from '../../src/archive/repository.ts';
import { takeBackup } from '../../src/operations/backup.ts';
import type { Settings } from '../../src/operations/settings.ts';
import { createLogger } from '../../src/platform/logger.ts';

const settings = JSON.parse(process.argv[2] ?? '{}') as Settings;
const repository = await openRepository(settings.repositoryPath);
await takeBackup({ settings, repository, log: createLogger({ level: 'warn', pretty: false }) });
