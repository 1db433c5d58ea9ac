import { open } from 'node:fs/promises';
import { EdgectlError } from '../errors/error.js';
import type { Get, Response } from './http.js';
import { failed, get, isPage, networkReason, statusText } from './http.js';

/** One connection's worth of a download. */
export interface DownloadPart {
  url: URL;
  /** File that grows. */
  part: string;
  /** Bytes that it has. */
  have: number;
  /** Bytes that it shall have. */
  total: number;
  /** ETag or Last-Modified of the answer that the part came from. */
  validator: string | undefined;
  get: Get;
  onProgress: ((bytes: number, total: number) => void) | undefined;
}

/** What a connection brought. */
export interface DownloadOutcome {
  /** To be kept for the next connection. */
  validator: string | undefined;
  /** Why it ended early; undefined when the part is whole. */
  error: string | undefined;
}

/**
 * Continues a download over one connection (RFC 9110, 13.1.5 If-Range and 14 Range). A server that ignores the range, or whose file is
 * another one by now, makes it begin anew. Cut connections are values; what a new attempt cannot mend throws BUNDLE_FETCH_FAILED.
 */
export async function continueDownload(job: DownloadPart): Promise<DownloadOutcome> {
  const { url, have, total } = job;
  // Without a validator nobody can say that the rest belongs to the same file; the digest would find out, but late.
  const resume = have > 0 && have < total && job.validator !== undefined;
  const headers = resume ? { range: `bytes=${have}-`, 'if-range': job.validator ?? '' } : {};
  let response: Response;
  try {
    response = await get(url, headers, job.get);
  } catch (error) {
    if (error instanceof EdgectlError) throw error;
    return { validator: undefined, error: networkReason(error) };
  }
  const validator = validatorOf(response);
  const start = await startOf(response, job, resume);
  if (start === undefined) return { validator: undefined, error: statusText(response.statusCode) };
  return { validator, error: await receive(response, job, start) };
}

/** Where the body belongs; undefined when the server may do better next time. */
async function startOf(response: Response, job: DownloadPart, resume: boolean): Promise<number | undefined> {
  const { url, have, total } = job;
  const status = response.statusCode;
  const refuse = async (reason: string): Promise<never> => {
    await response.body.dump().catch(() => undefined);
    throw failed(url, reason);
  };
  if (status === 200 || status === 206) {
    if (isPage(response)) return refuse('it answers with a web page instead of the file (a login page, or a proxy?)');
    if (response.headers['content-encoding'] !== undefined) return refuse('it encodes the archive on the way');
    if (status === 200) {
      const length = response.headers['content-length'];
      if (length !== undefined && Number(length) !== total)
        return refuse(`it has ${Number(length)} bytes, and the statement promises ${total}`);
      return 0;
    }
    const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(String(response.headers['content-range'] ?? ''));
    if (!resume || range === null || Number(range[1]) !== have)
      return refuse('it answers with another part of the file than was asked for');
    if (range[3] !== '*' && Number(range[3]) !== total)
      return refuse(`it has ${range[3]} bytes, and the statement promises ${total}`);
    return have;
  }
  if (status === 416) {
    await response.body.dump();
    await truncate(job.part);
    return undefined;
  }
  if (status === 429 || status === 408 || status >= 500) {
    await response.body.dump();
    return undefined;
  }
  return refuse(statusText(status));
}

async function receive(response: Response, job: DownloadPart, start: number): Promise<string | undefined> {
  const handle = await open(job.part, start === 0 ? 'w' : 'r+');
  let end = start;
  try {
    for await (const chunk of response.body) {
      const bytes = chunk as Buffer;
      if (end + bytes.length > job.total)
        throw failed(job.url, `it sends more than the ${job.total} bytes that the statement promises`);
      if (end === 0 && bytes.length > 1 && bytes.readUInt16BE(0) !== 0x1f8b)
        throw failed(job.url, 'what it sends is not a bundle archive');
      await handle.write(bytes, 0, bytes.length, end);
      end += bytes.length;
      job.onProgress?.(end, job.total);
    }
    return end === job.total ? undefined : 'the connection ended before the file did';
  } catch (error) {
    if (error instanceof EdgectlError) {
      await handle.truncate(0);
      throw error;
    }
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') throw failed(job.url, 'the disk here is full');
    return networkReason(error);
  } finally {
    await handle.close();
    response.body.destroy();
  }
}

/** A strong ETag, else Last-Modified: what If-Range may carry. */
function validatorOf(response: Response): string | undefined {
  const etag = response.headers['etag'];
  if (typeof etag === 'string' && !etag.startsWith('W/')) return etag;
  const modified = response.headers['last-modified'];
  return typeof modified === 'string' ? modified : undefined;
}

async function truncate(file: string): Promise<void> {
  const handle = await open(file, 'w');
  await handle.close();
}
