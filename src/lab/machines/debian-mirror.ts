import { EdgectlError } from '../../errors/error.js';
import { tryHost } from './host-command.js';

/**
 * Where this computer's own apt gets Debian from: the machines of a lab get theirs there too, so that a site with a mirror
 * of its own needs no other setting. Throws `LAB_UNSUPPORTED` when apt knows of none.
 */
export async function debianMirror(): Promise<string> {
  const format = '$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)';
  const { status, stdout } = await tryHost(['apt-get', 'indextargets', '--format', format, 'Created-By: Packages']);
  const mirror = status === 0 ? mirrorAmong(stdout) : undefined;
  if (mirror !== undefined) return mirror;
  throw new EdgectlError('LAB_UNSUPPORTED', {
    message: 'apt on this computer knows of no Debian archive to build lab machines from.',
    hint: 'name one in /etc/apt/sources.list.d and run apt-get update',
  });
}

/** The archive proper among what `apt-get indextargets` lists: not the security archive, which lacks most packages. */
export function mirrorAmong(listed: string): string | undefined {
  for (const line of listed.split('\n')) {
    const [origin, label, component, uri = ''] = line.split('|');
    if (origin === 'Debian' && label === 'Debian' && component === 'main' && uri !== '')
      return uri.replace(/\/+$/u, '');
  }
  return undefined;
}
