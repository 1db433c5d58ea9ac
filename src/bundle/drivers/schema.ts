import { z } from 'zod';

/** What a path below `files/` may consist of: words that need no quoting anywhere, no dot segments. */
export const relativePath = z
  .string()
  .max(200)
  .regex(
    /^[A-Za-z0-9_+@~][A-Za-z0-9._+@~-]*(\/[A-Za-z0-9_+@~][A-Za-z0-9._+@~-]*)*$/,
    'a relative path of plain words, without . and ..',
  );

const absolutePath = z
  .string()
  .max(200)
  .regex(/^(\/[A-Za-z0-9_+@~][A-Za-z0-9._+@~-]*)+$/, 'an absolute path of plain words, without . and ..');
const pattern = z
  .string()
  .max(200)
  .regex(
    /^[A-Za-z0-9_*?+@~][A-Za-z0-9._*?+@~-]*(\/[A-Za-z0-9_*?+@~][A-Za-z0-9._*?+@~-]*)*$/,
    'a relative path; * and ? match within a name',
  );
const word = z
  .string()
  .min(1)
  .regex(/^[^\s\p{Cc}]+$/u, 'one word: the node splits at spaces');
const argv = z.array(word).min(1);
const name = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'lower-case letters, digits and hyphens');
const regex = z.string().refine(
  (text) => {
    try {
      return new RegExp(text).source.includes('(?<version>');
    } catch {
      return false;
    }
  },
  { message: 'a regular expression with a group (?<version>…)' },
);

const file = z.strictObject({
  to: relativePath,
  from: z.array(pattern).min(1),
  kind: z.enum(['elf', 'script', 'data']),
  optional: z.boolean().default(false),
});
const tree = z.strictObject({ to: relativePath, from: z.array(pattern).min(1), optional: z.boolean().default(false) });
const compatibility = z.strictObject({
  /** The other component; absent: this component's own change. */
  with: name.optional(),
  when: z.enum(['any-change', 'major-change', 'major-downgrade', 'major-ahead']),
  level: z.enum(['warning', 'refusal']),
  text: z.string().min(1),
});

/** Places on a node that are edgectl's own (node protocol, section 1). */
const ours = ['/var/lib/edgectl', '/run/edgectl', '/etc/edgectl', '/usr/local/sbin/edgectl-node'];
const holdsOurs = (dir: string): boolean =>
  ours.some((own) => own === dir || own.startsWith(`${dir}/`) || dir.startsWith(`${own}/`));

/** A runtime driver as written in YAML (docs/reference/drivers.md). */
export const driverSchema = z
  .strictObject({
    component: name,
    summary: z.string().min(1),
    class: z.enum(['A', 'B', 'C']),
    /** Nobody has rolled it out yet: why, and what was not tried. Refused without --allow-unproven. */
    unproven: z.string().min(1).max(200).optional(),
    files: z.array(file).min(1),
    trees: z.array(tree).default([]),
    service: z
      .strictObject({
        unit: z.string().regex(/^[A-Za-z0-9:_.@-]+\.service$/, 'a service unit'),
        exec: argv,
        path: z.array(name).default([]),
        /** Components of `path` that stay the committed ones during a trial. */
        pin: z.array(name).default([]),
        killMode: z.enum(['process', 'mixed', 'control-group']).optional(),
        /** Seconds that it may be gone before others take its work away, e.g. Nomad's heartbeat_grace. */
        grace: z.int().min(1).max(86_400).optional(),
        /** Seconds. */
        startTimeout: z.int().min(1).max(3600).default(60),
      })
      .optional(),
    /** Class C: the directories that a new version migrates. */
    state: z.array(absolutePath).default([]),
    version: z.strictObject({ probe: argv, fileName: regex.optional() }),
    health: z.array(argv).min(1),
    adopt: z.array(z.strictObject({ to: relativePath, from: z.array(absolutePath).min(1) })).default([]),
    links: z.array(z.strictObject({ path: absolutePath, to: relativePath })).default([]),
    survive: z
      .array(
        z.string().regex(/^proc:[A-Za-z0-9._-]{1,15}$/, 'proc: and at most 15 characters, as the kernel keeps them'),
      )
      .default([]),
    /** Seconds that a workload must have run at the baseline to be judged; ten minutes when absent. */
    surviveAge: z.int().min(0).optional(),
    compatibility: z.array(compatibility).default([]),
  })
  .superRefine((driver, context) => {
    const problem = (path: PropertyKey[], message: string): void => context.addIssue({ code: 'custom', path, message });
    if (driver.class === 'A' && driver.service !== undefined)
      problem(['service'], 'class A restarts nothing and has no service');
    if (driver.class !== 'A' && driver.service === undefined)
      problem(['service'], `class ${driver.class} needs a service`);
    if (driver.class === 'C' && driver.state.length === 0)
      problem(['state'], 'class C names the directories whose contents a new version migrates');
    if (driver.class !== 'C' && driver.state.length > 0)
      problem(['state'], `class ${driver.class} migrates nothing; with state it is class C`);
    driver.state.forEach((dir, index) => {
      const around = driver.state.find((other, at) => at !== index && (dir === other || dir.startsWith(`${other}/`)));
      if (around !== undefined) problem(['state', index], `${dir} is ${around} or lies in it`);
      if (holdsOurs(dir))
        problem(['state', index], `${dir} holds what edgectl itself keeps on the node, or lies in it`);
    });
    const { grace, startTimeout = 0 } = driver.service ?? {};
    if (grace !== undefined && startTimeout > grace)
      problem(['service', 'grace'], `it may take ${startTimeout} s to start and be gone for ${grace} s only`);
    if (grace !== undefined && driver.class === 'C')
      problem(['service', 'grace'], 'copying the state of class C takes as long as it takes');
    driver.service?.pin.forEach((pinned, index) => {
      if (!driver.service?.path.includes(pinned))
        problem(['service', 'pin', index], `${pinned} is not among service.path`);
    });
    const targets = [...driver.files, ...driver.trees].map((entry) => entry.to);
    targets.forEach((to, index) => {
      if (targets.indexOf(to) !== index) problem(['files'], `${to} is named twice`);
    });
    const covered = (to: string): boolean => targets.some((target) => to === target || to.startsWith(`${target}/`));
    driver.links.forEach((link, index) => {
      if (!covered(link.to)) problem(['links', index, 'to'], `${link.to} is not among files`);
    });
    driver.adopt.forEach((entry, index) => {
      if (!covered(entry.to)) problem(['adopt', index, 'to'], `${entry.to} is not among files`);
    });
  });

/** A runtime driver with its defaults filled in. */
export type Driver = z.infer<typeof driverSchema>;
