/** True of the MySQL versions whose backups and restores are tested; others are archived and searched only. */
export function isTriedMysql(version: string): boolean {
  return version.startsWith('5.6.');
}
