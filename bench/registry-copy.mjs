// How fast is a registry copy against skopeo, in the same run and with the same bytes? Five gzip layers, 318 MB, from one
// docker-registry on loopback to another. Promises: wall and CPU within 1.25 × skopeo, peak memory below 150 MB; again with nothing
// missing ≤ 1.0 × skopeo; killed half way and run again < 5 % extra bytes (a registry that keeps cut uploads, as the
// specification wants). What docker-registry 2.8 makes of a kill is printed beside it. Ends with 1 when a promise is broken.
// Usage: node bench/registry-copy.mjs [ROUNDS]; needs docker-registry, skopeo, python3, and `npm run build` before.
import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';

const self = fileURLToPath(import.meta.url);
const megabytes = [168, 84, 42, 21, 3];

if (process.argv[2] === '--copy') await copyOnce(...process.argv.slice(3));
else await main(Number(process.argv[2] ?? 3));

/** The contender: one process, one copy. */
async function copyOnce(from, to, journalDir) {
  const dist = (file) => import(new URL(`../dist/registry/${file}.js`, import.meta.url));
  const [{ RegistryClient }, { closureOf }, { copy, fromRegistry }, { registrySettings }, { fileUploadJournal }] =
    await Promise.all(['client', 'closure', 'copy', 'settings', 'upload-journal'].map(dist));
  const settings = await registrySettings({ env: {}, signal: new AbortController().signal });
  const [source, target] = [new RegistryClient(from, settings), new RegistryClient(to, settings)];
  const began = performance.now();
  const closure = await closureOf(source, 'bench', await source.getManifest('bench', '1'), { signatures: false });
  let sent = 0;
  const { plan } = await copy({
    content: fromRegistry(source, 'bench'),
    closure,
    target,
    repository: 'bench',
    tag: '1',
    journal: fileUploadJournal(journalDir),
    onSent: (bytes) => {
      if (Math.floor(sent / 1e6) !== Math.floor((sent + bytes) / 1e6)) process.stderr.write(`${sent + bytes}\n`);
      sent += bytes;
    },
  });
  console.log(JSON.stringify({ sent, missing: plan.missing, inProcessMs: performance.now() - began }));
  await source.close();
  await target.close();
}

async function main(rounds) {
  const dir = mkdtempSync(path.join(tmpdir(), 'edgectl-bench-'));
  const policy = path.join(dir, 'policy.json');
  writeFileSync(policy, '{"default":[{"type":"insecureAcceptAnything"}]}');
  const results = { edgectl: [], skopeo: [], edgectlAgain: [], skopeoAgain: [] };
  const central = await startRegistry(dir, 'central');
  const total = pushImage(dir, policy, central.host);
  let broken = false;
  try {
    for (let round = 0; round < rounds; round++) {
      for (const name of round % 2 === 0 ? ['edgectl', 'skopeo'] : ['skopeo', 'edgectl']) {
        const site = await startRegistry(dir, `site-${name}-${round}`);
        const argv =
          name === 'edgectl'
            ? [process.execPath, self, '--copy', central.host, site.host, path.join(dir, `journal-${round}`)]
            : ['skopeo', '--policy', policy, 'copy', '--src-tls-verify=false', '--dest-tls-verify=false'].concat([
                `docker://${central.host}/bench:1`,
                `docker://${site.host}/bench:1`,
              ]);
        results[name].push(measured(argv));
        results[`${name}Again`].push(measured(argv));
        await site.stop();
      }
    }
    const [own, peer, ownAgain, peerAgain] = ['edgectl', 'skopeo', 'edgectlAgain', 'skopeoAgain'].map((name) =>
      summary(results[name]),
    );
    for (const [name, one] of Object.entries({
      edgectl: own,
      skopeo: peer,
      'edgectl again': ownAgain,
      'skopeo again': peerAgain,
    }))
      console.log(
        `${name.padEnd(14)} wall ${one.wall.toFixed(2)} s  CPU ${one.cpu.toFixed(2)} s  peak ${(one.rss / 1e6).toFixed(0)} MB` +
          (one.inProcess === undefined ? '' : `  (copy alone ${(one.inProcess / 1000).toFixed(2)} s)`),
      );
    const promise = (what, value, limit) => {
      const kept = value <= limit;
      broken ||= !kept;
      console.log(`${kept ? 'kept  ' : 'BROKEN'} ${what}: ${value.toFixed(2)} (limit ${limit})`);
    };
    promise('wall, × skopeo', own.wall / peer.wall, 1.25);
    promise('CPU, × skopeo', own.cpu / peer.cpu, 1.25);
    promise('peak memory, MB', own.rss / 1e6, 150);
    promise('nothing missing, wall of the whole process, × skopeo', ownAgain.wall / peerAgain.wall, 1);
    const resuming = await resumingRegistry(dir);
    promise(
      'killed half way at a registry that resumes: extra bytes, %',
      await killed(central.host, resuming, total, dir),
      5,
    );
    await resuming.stop();
    const old = await startRegistry(dir, 'site-killed');
    console.log(
      `for comparison, docker-registry 2.8 (loses cut uploads): ${(await killed(central.host, old, total, dir)).toFixed(1)} % extra`,
    );
    await old.stop();
  } finally {
    await central.stop();
    rmSync(dir, { recursive: true, force: true });
  }
  process.exit(broken ? 1 : 0);
}

/** Percent of bytes that went over the line twice when the first process was killed at half. */
async function killed(from, site, total, dir) {
  const journal = path.join(dir, `journal-killed-${site.host}`);
  const argv = [self, '--copy', from, site.host, journal];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'pipe'] });
  let first = 0;
  child.stderr.on('data', (chunk) => {
    first = Math.max(first, Number(String(chunk).trim().split('\n').at(-1)));
    if (first > total / 2) child.kill('SIGKILL');
  });
  await new Promise((resolve) => child.once('close', resolve));
  // In another process: the registry of this run lives in this one and has to answer meanwhile.
  const again = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'ignore'] });
  let out = '';
  again.stdout.on('data', (chunk) => (out += chunk));
  const code = await new Promise((resolve) => again.once('close', resolve));
  if (code !== 0) throw new Error(`the second copy ended with ${code}`);
  const received = site.received?.() ?? first + JSON.parse(out).sent;
  return ((received - total) / total) * 100;
}

function measured(argv) {
  const script =
    'import json,resource,subprocess,sys,time\nt=time.time()\n' +
    'r=subprocess.run(sys.argv[1:],stdout=subprocess.PIPE,stderr=subprocess.DEVNULL)\nw=time.time()-t\n' +
    'u=resource.getrusage(resource.RUSAGE_CHILDREN)\n' +
    'print(json.dumps(dict(status=r.returncode,out=r.stdout.decode(),wall=w,cpu=u.ru_utime+u.ru_stime,rss=u.ru_maxrss*1024)))';
  const { stdout } = spawnSync('python3', ['-c', script, ...argv], { encoding: 'utf8' });
  const result = JSON.parse(stdout);
  if (result.status !== 0) throw new Error(`${argv.join(' ')} ended with ${result.status}`);
  return { ...result, inProcess: argv.includes('--copy') ? JSON.parse(result.out).inProcessMs : undefined };
}

function summary(runs) {
  const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
  const of = (key) => median(runs.map((run) => run[key]));
  return { wall: of('wall'), cpu: of('cpu'), rss: Math.max(...runs.map(({ rss }) => rss)), inProcess: of('inProcess') };
}

/** Five layers that do not compress, pushed by skopeo; their bytes. */
function pushImage(dir, policy, host) {
  const layout = path.join(dir, 'layout');
  const blobs = path.join(layout, 'blobs', 'sha256');
  mkdirSync(blobs, { recursive: true });
  const digestOf = (bytes) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  const put = (bytes, mediaType) => {
    const digest = digestOf(bytes);
    writeFileSync(path.join(blobs, digest.slice(7)), bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const diffs = [];
  const layers = megabytes.map((size) => {
    const bytes = randomBytes(size * 1e6);
    diffs.push(digestOf(bytes));
    return put(gzipSync(bytes, { level: 0 }), 'application/vnd.oci.image.layer.v1.tar+gzip');
  });
  const config = { os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: diffs } };
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = put(
    Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType,
        config: put(Buffer.from(JSON.stringify(config)), 'application/vnd.oci.image.config.v1+json'),
        layers,
      }),
    ),
    mediaType,
  );
  writeFileSync(path.join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(path.join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [manifest] }));
  const copied = spawnSync('skopeo', [
    '--policy',
    policy,
    'copy',
    '--dest-tls-verify=false',
    `oci:${layout}`,
    `docker://${host}/bench:1`,
  ]);
  if (copied.status !== 0) throw new Error(String(copied.stderr));
  return layers.reduce((sum, { size }) => sum + size, 0);
}

async function startRegistry(dir, name) {
  const port = await new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const found = server.address().port;
      server.close(() => resolve(found));
    });
  });
  const home = path.join(dir, name);
  mkdirSync(home);
  const file = path.join(home, 'config.yml');
  writeFileSync(
    file,
    `version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: ${home}/data}, delete: {enabled: true}}\nhttp: {addr: "127.0.0.1:${port}", secret: bench}\n`,
  );
  const child = spawn('docker-registry', ['serve', file], { stdio: 'ignore' });
  for (let tries = 0; tries < 600; tries++) {
    const there = await new Promise((resolve) => {
      request({ host: '127.0.0.1', port, path: '/v2/' }, (answer) => (answer.resume(), resolve(true)))
        .on('error', () => resolve(false))
        .end();
    });
    if (there) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    host: `127.0.0.1:${port}`,
    stop: async () => {
      const ended = new Promise((resolve) => child.once('close', resolve));
      child.kill('SIGKILL');
      await ended;
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** The registry of the tests, which keeps what it got of a cut upload. */
async function resumingRegistry(dir) {
  const { default: typescript } = await import('typescript');
  const text = readFileSync(new URL('../test/helpers/faulty-registry.ts', import.meta.url), 'utf8');
  const file = path.join(dir, 'faulty-registry.mjs');
  const { ModuleKind, ScriptTarget } = typescript;
  writeFileSync(
    file,
    typescript.transpileModule(text, { compilerOptions: { module: ModuleKind.ESNext, target: ScriptTarget.ES2022 } })
      .outputText,
  );
  const { FaultyRegistry } = await import(pathToFileURL(file).href);
  const registry = await new FaultyRegistry().start();
  return { host: registry.host, received: () => registry.received, stop: () => registry.stop() };
}
