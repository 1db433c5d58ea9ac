import { z } from 'zod';
import { mapOf, oneOf, scalar, sha256, text } from './scalars.js';

/** How bad a difference is that no advisory speaks of. */
export const severity = oneOf('breaking', 'cosmetic');

const isSysctl = (key: string): boolean => /^[a-z0-9][A-Za-z0-9._/*:@-]{0,200}$/.test(key);
const isFile = (key: string): boolean =>
  key.length <= 400 && /^\/[^\0-\x1f\x7f]+$/.test(key) && !key.endsWith('/') && !/\/(\.{0,2})(\/|$)/.test(key);
const isUnit = (key: string): boolean =>
  /^[A-Za-z0-9][A-Za-z0-9:_.\\@-]{0,200}\.(service|socket|timer|mount|target|path|slice|swap|device|automount)$/.test(
    key,
  );
const isPackage = (key: string): boolean => /^[a-z0-9][a-z0-9.+-]{0,127}(:[a-z0-9]+)?$/.test(key);
const isParameter = (key: string): boolean => /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,120}$/.test(key);

const keyed = <V extends z.ZodType>(fits: (key: string) => boolean, key: string, value: V, many: string) =>
  mapOf(z.string().refine(fits, { error: key }), value, `a map of ${many}`).optional();

const line = (expected: string) =>
  scalar(expected, (value) => (/^[^\0-\x1f\x7f]{0,1024}$/.test(value) ? value : undefined));
const mode = scalar('permissions in octal such as 0644', (value) =>
  /^[0-7]{3,5}$/.test(value) ? Number.parseInt(value, 8).toString(8).padStart(4, '0') : undefined,
);
const owner = scalar('user:group, such as root:root', (value) =>
  /^[A-Za-z0-9_][A-Za-z0-9_.$-]{0,31}:[A-Za-z0-9_][A-Za-z0-9_.$-]{0,31}$/.test(value) ? value : undefined,
);
const content = scalar('the path of a file in this repository', (value) =>
  /^[A-Za-z0-9_][^\0-\x1f\\]*$/.test(value) && !/(^|\/)\.{1,2}(\/|$)/.test(value) ? value : undefined,
);

const fileKeys = 'absent, or a map with content or digest, mode, owner';
const file = z.preprocess(
  (input) => (input === 'absent' ? { absent: 'true' } : input),
  z
    .strictObject(
      {
        absent: oneOf('true').optional(),
        content: content.optional(),
        digest: sha256.optional(),
        mode: mode.optional(),
        owner: owner.optional(),
      },
      { error: fileKeys },
    )
    .superRefine((value, context) => {
      const keys = Object.keys(value);
      if (value.content !== undefined && value.digest !== undefined)
        context.addIssue({ code: 'custom', path: ['digest'], message: 'either content or digest, not both' });
      if (keys.length === 0 || (value.absent !== undefined && keys.length > 1))
        context.addIssue({ code: 'custom', message: fileKeys });
    }),
);

const block = z.strictObject(
  {
    on: text('a selector').optional(),
    severity: severity.optional(),
    sysctls: keyed(isSysctl, 'the name of a sysctl such as vm.swappiness', line('a value of one line'), 'sysctls'),
    'kernel-parameters': keyed(
      isParameter,
      'the name of a kernel parameter',
      line('a value, “set” or “absent”'),
      'kernel parameters',
    ),
    files: keyed(isFile, 'an absolute path', file, 'files'),
    units: keyed(
      isUnit,
      'the name of a unit with its ending, such as ssh.service',
      oneOf('active', 'inactive', 'absent'),
      'units',
    ),
    packages: keyed(isPackage, 'the name of a package', text('an exact version, or absent'), 'packages'),
  },
  { error: 'a map with on, sysctls, kernel-parameters, files, units, packages' },
);

/** Schema of desired.yaml and state/*.yaml: a list; an empty file is an empty list. */
export const desiredFile = z.preprocess(
  (input) => (input === '' ? [] : input),
  z.array(block, { error: 'a list of what nodes shall have' }),
);

/** One entry of desired.yaml as it was read. */
export type DesiredBlock = z.output<typeof block>;
