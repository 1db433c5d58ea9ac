import { scopeOf } from './auth.js';
import type { RegistryHttp } from './http.js';

/** Bytes of a blob that a repository has; undefined when it has none. */
export async function headBlob(http: RegistryHttp, repository: string, digest: string): Promise<number | undefined> {
  const answer = await http.send({
    method: 'HEAD',
    target: `v2/${repository}/blobs/${digest}`,
    repository,
    scopes: [scopeOf(repository, 'pull')],
    expect: [200, 404],
  });
  await answer.body.dump();
  const length = answer.headers['content-length'];
  // What does not say how long it is cannot be told from a truncated one: as good as not there.
  return answer.statusCode === 200 && length !== undefined ? Number(length) : undefined;
}
