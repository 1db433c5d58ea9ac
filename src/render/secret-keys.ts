import type { ShownSecrets } from '../keys/init-secrets.js';
import type { Ui } from './ui.js';

/** The fleet's keys for secrets, line by line. Keys are compared by eye and copied: they are never cut to the width. */
export function secretLines(secrets: ShownSecrets, ui: Ui): string[] {
  const keys = secrets.keys.flatMap((key) => [
    `${ui.theme.good(`${key.name} key`)} ${key.fingerprint}`,
    key.warning === undefined
      ? `  private  ${key.privateKey ?? 'not on this computer'}`
      : `  private  ${ui.theme.warn(key.warning)}`,
  ]);
  const end = secrets.changed
    ? ['', 'Commit the public halves. The private ones have no other copy: keep one offline.']
    : [];
  return [
    ...keys,
    ui.theme.good('recovery'),
    ...secrets.recovery.map((recipient) => `  ${recipient}`),
    `  public halves of all  ${secrets.publicDir}`,
    ...end,
  ];
}
