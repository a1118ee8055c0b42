/** A plugin as a server's settings name it in a backup's record. */
interface Plugin {
  readonly name: string;
  readonly library: string;
}

/**
 * @param plugins of the source, `name=library,...`
 * @param active of the target
 */
export function missingPlugins(plugins: string | undefined, active: ReadonlySet<string>): Plugin[] {
  return (plugins ?? '')
    .split(',')
    .map((plugin) => plugin.split('='))
    .map(([name = '', library = '']) => ({ name, library }))
    .filter(({ name }) => name !== '' && !active.has(name));
}
