import { createHash } from 'node:crypto';
import { access, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { z } from 'zod';
import { builtinPolicies } from './builtin-policies.js';
import type { DesiredState } from './desired.js';
import { loadDesired } from './desired.js';
import { noFleet } from './find.js';
import { readPlainYaml } from './plain-yaml.js';
import type { Problem } from './problem.js';
import { throwProblems } from './problem.js';
import type { DynamicSource } from './dynamic/declaration.js';
import { takeDynamic } from './dynamic/declaration.js';
import { repeated, resolveParts } from './parts.js';
import { resolveImages } from './resolve-cache.js';
import { danglingLeads, danglingPlaces, declaredIn, nodeNames, selectorProblems } from './references.js';
import { resolvePolicy } from './resolve-policy.js';
import { resolveRuntimes } from './resolve-runtimes.js';
import type { NodesFile } from './schema/fleet-file.js';
import { fleetFile, nodesFile } from './schema/fleet-file.js';
import { imagesFile } from './schema/images-file.js';
import { policyFile } from './schema/policy-file.js';
import { isName } from './schema/scalars.js';
import { runtimesFile } from './schema/runtimes-file.js';
import type { Fleet, RolloutPolicy } from './types.js';
import type { Checked } from './validate.js';
import { check } from './validate.js';
import type { YamlSource } from './yaml-source.js';
import { lazySource, readYaml } from './yaml-source.js';

/** What loading needs from outside: `HOME`, for `~/` in paths of keys and for what the user trusts. */
export interface FleetIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `skip` leaves programs that print nodes alone. */
  readonly dynamic?: 'skip';
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

/** The programs that a fleet declares, without running them. Throws like {@link loadFleet}. */
export async function sourcesOf(dir: string, io: FleetIo): Promise<{ id: string; sources: DynamicSource[] }> {
  const loader = new FleetLoader(path.resolve(dir), { env: io.env, dynamic: 'skip' });
  const { id } = await loader.run();
  return { id, sources: loader.declared() };
}

class FleetLoader {
  private readonly problems: Problem[] = [];
  private readonly contents = new Map<string, unknown>();
  private readonly sources = new Map<string, DynamicSource>();

  constructor(
    private readonly dir: string,
    private readonly io: FleetIo,
  ) {}

  async run(): Promise<Fleet> {
    const text = await this.read('fleet.yaml');
    throwProblems(this.problems);
    if (text === undefined) throw noFleet(this.dir);
    const main = this.check('fleet.yaml', text, fleetFile);
    const files = await this.nodesFiles();
    const printed = main.ok ? await this.printed(main.value.id) : [];
    const checked = [main, ...files, ...printed];
    const runtimesText = (await this.read('runtimes.yaml')) ?? '';
    const runtimes = this.check('runtimes.yaml', runtimesText, runtimesFile);
    const imagesText = await this.read('images.yaml');
    const images = imagesText === undefined ? undefined : this.check('images.yaml', imagesText, imagesFile);
    const policies = await this.policies();
    const sources = checked.map(({ source }) => source);
    const declared = declaredIn(sources);
    const names = printed.length < this.sources.size ? undefined : nodeNames(sources);
    this.problems.push(
      ...sources.flatMap((source) => danglingPlaces(source, declared)),
      ...sources.flatMap((source) => danglingLeads(source, sources, names)),
      ...[runtimes, ...(images === undefined ? [] : [images])].flatMap(({ source }) => selectorProblems(source, names)),
    );
    const desired = await this.desired(names);
    const parts = checked.flatMap((part) =>
      part.ok ? [{ file: part.source.file, value: part.value, source: part.source }] : [],
    );
    if (parts.length > 1) this.problems.push(...repeated(parts));
    if (main.ok && main.value.lab === true) await this.checkLabMarker(main.source);
    throwProblems(this.problems);
    if (!main.ok || !runtimes.ok || images?.ok === false) throw new Error('a file was refused without a reason');

    const { nodes, sites, bastions } = resolveParts(parts, { dir: this.dir, home: this.io.env['HOME'] });
    return {
      dir: this.dir,
      id: main.value.id,
      name: main.value.name,
      lab: main.value.lab ?? false,
      digest: await this.digest(),
      source: `runtimes.yaml @ ${gitBlobId(runtimesText).slice(0, 7)}`,
      nodes,
      sites,
      bastions,
      runtimes: resolveRuntimes(runtimes.value),
      ...(images === undefined ? {} : { images: resolveImages(images.value) }),
      desired,
      policies,
      knownHostsFile: path.join(this.dir, 'known_hosts'),
      allowedSignersFile: path.join(this.dir, 'trust', 'allowed_signers'),
    };
  }

  private async desired(nodes: readonly string[] | undefined): Promise<DesiredState> {
    const { dir, problems } = this;
    const read = async (file: string): Promise<string | undefined> => await this.read(file);
    const desired = await loadDesired({ dir, problems, nodes, read, check: (...file) => this.check(...file) });
    // What a file shall hold is desired state as much as its name.
    for (const [file, digest] of desired.contents) this.contents.set(file, digest);
    return desired;
  }

  declared(): DynamicSource[] {
    return [...this.sources.values()];
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
      const result = schema.safeParse(this.withoutDynamic(file, quick.value));
      if (result.success) {
        this.contents.set(file, quick.value);
        return { ok: true, value: result.data, source: lazySource(file, text, quick.value) };
      }
      this.sources.delete(file);
    }
    const source = readYaml(file, text);
    const checked = check(schema, { ...source, value: this.withoutDynamic(file, source.value, source) });
    if (checked.ok) this.contents.set(file, source.value);
    else this.problems.push(...checked.problems);
    return checked;
  }

  /** Puts `nodes: { exec: … }` aside; what is wrong with it is only told where places are known. */
  private withoutDynamic(file: string, value: unknown, source?: YamlSource): unknown {
    if (!file.startsWith('nodes/') && file !== 'fleet.yaml') return value;
    const taken = takeDynamic(file, value);
    if (taken === undefined) return value;
    if (typeof taken !== 'string') {
      this.sources.set(file, taken.source);
      return taken.rest;
    }
    if (source !== undefined) this.problems.push({ file, ...source.placeOf(['nodes', 'exec']), message: taken });
    return source === undefined ? value : { ...(value as object), nodes: '' };
  }

  private async nodesFiles(): Promise<Checked<NodesFile>[]> {
    const entries = await readdir(path.join(this.dir, 'nodes')).catch(() => []);
    const checked: Checked<NodesFile>[] = [];
    for (const entry of entries.filter((name) => /\.ya?ml$/.test(name)).sort()) {
      const file = `nodes/${entry}`;
      checked.push(this.check(file, (await this.read(file)) ?? '', nodesFile));
    }
    return checked;
  }

  /** What the dynamic sources print; nothing is run before the user has trusted it. */
  private async printed(fleetId: string): Promise<Checked<NodesFile>[]> {
    const sources = [...this.sources.values()];
    if (sources.length === 0 || this.problems.length > 0 || this.io.dynamic === 'skip') return [];
    const [{ mustBeTrusted }, { runSource, textsOf }] = await Promise.all([
      import('./dynamic/trust.js'),
      import('./dynamic/run.js'),
    ]);
    await mustBeTrusted({ dir: this.dir, id: fleetId }, sources, this.io.env);
    const texts = await Promise.all(sources.map(async (source) => await runSource(this.dir, source)));
    return texts.map((text, index) => {
      const name = `output of ${sources[index]?.argv.join(' ') ?? ''}`;
      const value = textsOf(name, text);
      const checked = check(nodesFile, lazySource(name, text, value));
      if (checked.ok) this.contents.set(name, value);
      else this.problems.push(...checked.problems);
      return checked;
    });
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
