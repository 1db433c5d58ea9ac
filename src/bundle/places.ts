import path from 'node:path';

/** `$XDG_DATA_HOME/edgectl/bundles`, from the environment that was handed in. */
export function bundlesDir(env: Readonly<Record<string, string | undefined>>, homedir: string): string {
  const xdg = env['XDG_DATA_HOME'];
  const base = xdg !== undefined && path.isAbsolute(xdg) ? xdg : path.join(homedir, '.local', 'share');
  return path.join(base, 'edgectl', 'bundles');
}
