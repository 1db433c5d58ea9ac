import { digestOf } from './digest.js';
import { Interrupted, networkReason, refused } from './failure.js';
import type { Answer, RegistryHttp } from './http.js';
import { abandon } from './http.js';
import { scopeOf } from './auth.js';
import type { Descriptor } from './manifest.js';

/** The most that is read and thrown away when a registry answers a Range with the whole blob. */
export const maxDiscardBytes = 64 * 1024 * 1024;

/**
 * The bytes of a blob from an offset on, over as many connections as it takes; not hashed. Throws OCI_* errors, also when the
 * registry sends more or less than the descriptor promises.
 */
export async function* readBlob(
  http: RegistryHttp,
  repository: string,
  blob: Pick<Descriptor, 'digest' | 'size'>,
  from = 0,
): AsyncGenerator<Buffer> {
  let at = from;
  let fruitless = 0;
  const fail = (reason: string) =>
    refused('OCI_REGISTRY_FAILED', `${http.registry}/${repository}@${blob.digest}`, reason);
  while (at < blob.size) {
    const answer = await http.send({
      method: 'GET',
      target: `v2/${repository}/blobs/${blob.digest}`,
      repository,
      scopes: [scopeOf(repository, 'pull')],
      // Encoded on the way it would have another digest, and another length.
      headers: { 'accept-encoding': 'identity', ...(at === 0 ? {} : { range: `bytes=${at}-` }) },
      expect: [200, 206],
    });
    let skip: number;
    try {
      skip = at - startOf(answer, at, blob.size, fail);
    } catch (error) {
      abandon(answer);
      throw error;
    }
    const before = at;
    try {
      for await (const chunk of answer.body) {
        const bytes = (chunk as Buffer).subarray(Math.min(skip, (chunk as Buffer).length));
        skip -= (chunk as Buffer).length - bytes.length;
        if (bytes.length === 0) continue;
        if (at + bytes.length > blob.size) throw fail(`it sends more than ${blob.size} bytes`);
        at += bytes.length;
        yield bytes;
      }
      if (at < blob.size) throw new Interrupted('the connection ended before the blob did');
    } catch (error) {
      // An error of the reader's own comes back through `yield`, and is not ours to mend.
      if (!isCut(error)) throw error;
      http.settings.signal.throwIfAborted();
      fruitless = at > before ? 0 : fruitless + 1;
      const why = error instanceof Interrupted ? error : new Interrupted(networkReason(error));
      await http.backOff(why, Math.max(1, fruitless));
    } finally {
      abandon(answer);
    }
  }
}

/** The bytes of a small blob, verified. Throws OCI_DIGEST_MISMATCH, and OCI_REGISTRY_FAILED when it is larger than the limit. */
export async function readSmallBlob(
  http: RegistryHttp,
  repository: string,
  blob: Pick<Descriptor, 'digest' | 'size'>,
  maxBytes: number,
): Promise<Buffer> {
  const where = `${http.registry}/${repository}@${blob.digest}`;
  if (blob.size > maxBytes)
    throw refused('OCI_REGISTRY_FAILED', where, `it has ${blob.size} bytes, ${maxBytes} may be`);
  const chunks: Buffer[] = [];
  for await (const chunk of readBlob(http, repository, blob)) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  if (digestOf(bytes, blob.digest) === blob.digest) return bytes;
  throw refused('OCI_DIGEST_MISMATCH', where, 'what it sends is something else');
}

function startOf(answer: Answer, wanted: number, size: number, fail: (reason: string) => Error): number {
  if (answer.headers['content-encoding'] !== undefined) throw fail('it encodes the blob on the way');
  const length = answer.headers['content-length'];
  if (answer.statusCode === 200) {
    if (length !== undefined && Number(length) !== size) throw fail(`it has ${Number(length)} bytes, not ${size}`);
    if (wanted > maxDiscardBytes)
      throw fail(`it cannot continue at byte ${wanted}, and to begin again would cost too much`);
    return 0;
  }
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(String(answer.headers['content-range'] ?? ''));
  if (range === null || Number(range[1]) !== wanted)
    throw fail('it answers with another part of the blob than was asked for');
  if (range[3] !== '*' && Number(range[3]) !== size) throw fail(`it has ${range[3]} bytes, not ${size}`);
  return wanted;
}

function isCut(error: unknown): boolean {
  if (error instanceof Interrupted) return true;
  const code = String((error as { code?: unknown } | undefined)?.code ?? '');
  return /^(UND_ERR_|ECONNRESET|EPIPE|ETIMEDOUT)/.test(code);
}
