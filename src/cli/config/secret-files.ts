import type { Config } from './config-schema.ts';

/** Every file that the configuration names for a secret, the archive's keys aside: they are refused when others may use them. */
export function secretFilesOf({ primary, replica, incidents }: Config, path: (file: string) => string): string[] {
  const ofServers = [primary, replica].flatMap((server) => [server?.password_file, server?.defaults_file, server?.key]);
  return [...ofServers, incidents.alert_webhook_file].filter((file) => file !== undefined).map(path);
}
