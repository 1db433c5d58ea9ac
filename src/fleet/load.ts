import { createHash } from 'node:crypto';
import { access, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { z } from 'zod';
import { builtinPolicies } from './builtin-policies.js';
import { noFleet } from './find.js';
import { readPlainYaml } from './plain-yaml.js';
import type { Problem } from './problem.js';
import { throwProblems } from './problem.js';
import { danglingPlaces, nodeNames, selectorProblems } from './references.js';
import { resolveBastions, resolveNodes, resolveSites } from './resolve-nodes.js';
import { resolvePolicy } from './resolve-policy.js';
import { resolveRuntimes } from './resolve-runtimes.js';
import { fleetFile } from './schema/fleet-file.js';
import { policyFile } from './schema/policy-file.js';
import { isName } from './schema/scalars.js';
import { runtimesFile } from './schema/runtimes-file.js';
import type { Fleet, RolloutPolicy } from './types.js';
import type { Checked } from './validate.js';
import { check } from './validate.js';
import type { YamlSource } from './yaml-source.js';
import { lazySource, readYaml } from './yaml-source.js';

/** What loading needs from outside: `HOME`, for `~/` in paths of keys. */
export interface FleetIo {
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A directory whose fleet.yaml also has this file beside it may say `lab: true`; `edgectl lab` writes it. */
export const labMarker = '.edgectl-lab';

/**
 * Loads and checks the fleet repository in a directory. Throws CONFIG_NOT_FOUND, or CONFIG_INVALID with every error of
 * every file as `file:line:column: what was expected, what was found`.
 */
export async function loadFleet(dir: string, io: FleetIo): Promise<Fleet> {
  return new FleetLoader(path.resolve(dir), io).run();
}

class FleetLoader {
  private readonly problems: Problem[] = [];
  private readonly contents = new Map<string, unknown>();

  constructor(
    private readonly dir: string,
    private readonly io: FleetIo,
  ) {}

  async run(): Promise<Fleet> {
    const text = await this.read('fleet.yaml');
    throwProblems(this.problems);
    if (text === undefined) throw noFleet(this.dir);
    const main = this.check('fleet.yaml', text, fleetFile);
    const runtimesText = (await this.read('runtimes.yaml')) ?? '';
    const runtimes = this.check('runtimes.yaml', runtimesText, runtimesFile);
    const policies = await this.policies();
    this.problems.push(...danglingPlaces(main.source), ...selectorProblems(runtimes.source, nodeNames(main.source)));
    if (main.ok && main.value.lab === true) await this.checkLabMarker(main.source);
    throwProblems(this.problems);
    if (!main.ok || !runtimes.ok) throw new Error('a file was refused without a reason');

    const sites = resolveSites(main.value);
    const paths = { dir: this.dir, home: this.io.env['HOME'] };
    const bastions = resolveBastions(main.value, paths);
    return {
      dir: this.dir,
      id: main.value.id,
      name: main.value.name,
      lab: main.value.lab ?? false,
      digest: await this.digest(),
      source: `runtimes.yaml @ ${gitBlobId(runtimesText).slice(0, 7)}`,
      nodes: resolveNodes(main.value, { sites, bastions, paths }),
      sites,
      runtimes: resolveRuntimes(runtimes.value),
      policies,
      knownHostsFile: path.join(this.dir, 'known_hosts'),
      allowedSignersFile: path.join(this.dir, 'trust', 'allowed_signers'),
    };
  }

  private async read(file: string): Promise<string | undefined> {
    try {
      return await readFile(path.join(this.dir, file), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      const reason = (error as NodeJS.ErrnoException).code ?? String(error);
      this.problems.push({ file, line: 0, column: 0, message: `cannot be read: ${reason}` });
      return undefined;
    }
  }

  /** The quick reader first; the positions of the real parser are only needed for errors. */
  private check<S extends z.ZodType>(file: string, text: string, schema: S): Checked<z.output<S>> {
    const quick = readPlainYaml(text);
    if (quick !== undefined) {
      const result = schema.safeParse(quick.value);
      if (result.success) {
        this.contents.set(file, quick.value);
        return { ok: true, value: result.data, source: lazySource(file, text, quick.value) };
      }
    }
    const checked = check(schema, readYaml(file, text));
    if (checked.ok) this.contents.set(file, checked.source.value);
    else this.problems.push(...checked.problems);
    return checked;
  }

  private async policies(): Promise<Map<string, RolloutPolicy>> {
    const policies = new Map(builtinPolicies.map((policy) => [policy.name, policy]));
    const entries = await readdir(path.join(this.dir, 'policies')).catch(() => []);
    for (const entry of entries.filter((name) => /\.ya?ml$/.test(name)).sort()) {
      const file = `policies/${entry}`;
      const name = entry.replace(/\.ya?ml$/, '');
      const place = { file, line: 0, column: 0 };
      if (policies.get(name)?.name === name && !builtinPolicies.some((policy) => policy.name === name)) {
        this.problems.push({ ...place, message: `the policy “${name}” is there twice, as .yml and .yaml` });
      }
      if (!isName(name)) this.problems.push({ ...place, message: 'the name of the file cannot name a policy' });
      if (name === 'rehearsal')
        this.problems.push({ ...place, message: 'the name “rehearsal” belongs to the built-in policy' });
      const checked = this.check(file, (await this.read(file)) ?? '', policyFile);
      if (checked.ok) policies.set(name, resolvePolicy(name, checked.value));
    }
    return policies;
  }

  private async checkLabMarker(source: YamlSource): Promise<void> {
    const marked = await access(path.join(this.dir, labMarker)).then(
      () => true,
      () => false,
    );
    if (marked) return;
    const message = `lab: only a fleet that edgectl lab made may say so; there is no ${labMarker} beside it`;
    this.problems.push({ file: source.file, ...source.placeOf(['lab']), message });
  }

  /** Over what the files say, not over their comments and layout. Host keys are not part of it: pinning one is no change of desire. */
  private async digest(): Promise<string> {
    const signers = (await this.read('trust/allowed_signers')) ?? '';
    const all = { files: Object.fromEntries(this.contents), signers };
    return createHash('sha256').update(canonical(all)).digest('hex');
  }
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, entry: unknown) => {
    if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return entry;
    return Object.fromEntries(Object.entries(entry).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** The name that git gives to this content, so that `git log --find-object` finds who wrote it. */
function gitBlobId(text: string): string {
  return createHash('sha1')
    .update(`blob ${Buffer.byteLength(text)}\0`)
    .update(text)
    .digest('hex');
}
