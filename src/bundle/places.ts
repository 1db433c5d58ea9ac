import path from 'node:path';

/** `$XDG_DATA_HOME/edgectl/bundles`, from the environment that was handed in. */
export function bundlesDir(env: Readonly<Record<string, string | undefined>>, homedir: string): string {
  const xdg = env['XDG_DATA_HOME'];
  const base = xdg !== undefined && path.isAbsolute(xdg) ? xdg : path.join(homedir, '.local', 'share');
  return path.join(base, 'edgectl', 'bundles');
}

/** Where drivers are looked for, best first: beside the fleet, then those that come with edgectl. `packageRoot` is this package's directory. */
export function driverDirs(packageRoot: string, fleetDir?: string): string[] {
  const own = path.join(packageRoot, 'templates', 'drivers');
  return fleetDir === undefined ? [own] : [path.join(fleetDir, 'drivers'), own];
}
