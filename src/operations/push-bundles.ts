import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { localStore, matchBundles } from '../bundle/match.js';
import type { PushedBundle } from '../bundle/oci-push.js';
import { pushBundles } from '../bundle/oci-push.js';
import type { Fleet } from '../fleet/types.js';
import { parseReference } from '../registry/reference.js';
import { registrySettings } from '../registry/settings.js';
import { fileUploadJournal } from '../registry/upload-journal.js';
import { verifyBundle } from './bundles.js';

/** What `runtime push` was asked for. */
export interface PushForFleet {
  bundle: string;
  repository: string;
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  signal: AbortSignal;
  plainHttp: boolean | undefined;
  ca: string | undefined;
}

/** Pushes matching bundles; those that the fleet's nodes would refuse are not. Throws BUNDLE_NOT_FOUND, BUNDLE_SIGNATURE, OCI_* errors. */
export async function pushForFleet(
  fleet: Fleet,
  request: PushForFleet,
): Promise<{ source: string; pushed: PushedBundle[] }> {
  const { env, cwd, signal, plainHttp, ca } = request;
  const to = parseReference(request.repository, { bare: true });
  const store = localStore(env);
  const bundles = await matchBundles(store, request.bundle);
  for (const { statement, signature } of bundles)
    await verifyBundle(statement, signature, fleet, { tmpdir: env['TMPDIR'] ?? tmpdir() });
  const caFile = ca === undefined ? undefined : path.resolve(cwd, ca);
  const settings = await registrySettings({ env, signal, plainHttp, caFile });
  const journal = fileUploadJournal(uploadsDir(env));
  const pushed = await pushBundles({ store, bundles, to, settings, journal });
  return { source: `oci${plainHttp === true ? '+http' : ''}://${to.registry}/${to.repository}`, pushed };
}

/** `$XDG_STATE_HOME/edgectl/uploads`: where begun uploads can be continued. */
function uploadsDir(env: Readonly<Record<string, string | undefined>>): string {
  const xdg = env['XDG_STATE_HOME'];
  const base = xdg !== undefined && path.isAbsolute(xdg) ? xdg : path.join(env['HOME'] ?? homedir(), '.local', 'state');
  return path.join(base, 'edgectl', 'uploads');
}
