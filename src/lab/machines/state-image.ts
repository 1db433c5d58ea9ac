import { open, rm } from 'node:fs/promises';
import path from 'node:path';
import { host, tryHost } from './host-command.js';
import { isMounted } from './processes.js';

/** A mounted image. */
export interface MountedImage {
  file: string;
  device: string;
}

// EXT4_IOC_SHUTDOWN with NOLOGFLUSH (linux/fs/ext4/ext4.h): from here on not one block reaches the image, as when the power goes.
const shutdownScript =
  'open(my $d, "<", $ARGV[0]) or die "open: $!"; my $f = pack("L", 2); ioctl($d, 0x8004587D, $f) or die "ioctl: $!";';

/** Makes an empty ext4 image. It has a journal and no lazy work, so that what a cut leaves depends on the node's syncs alone. */
export async function createImage(file: string, mebibytes: number): Promise<void> {
  const handle = await open(file, 'wx');
  await handle.truncate(mebibytes * 1024 * 1024);
  await handle.close();
  await host(['mkfs.ext4', '-q', '-F', '-E', 'lazy_itable_init=0,lazy_journal_init=0', file]);
}

// ext4's own habits would save what the node forgot to sync: a commit every five seconds, a flush at each rename over a file.
const mountOptions = 'commit=600,noauto_da_alloc';

/** Mounts an image at a directory through a loop device of its own. */
export async function mountImage(file: string, at: string): Promise<MountedImage> {
  const device = (await host(['losetup', '--find', '--show', file])).trim();
  try {
    await host(['mount', '-t', 'ext4', '-o', mountOptions, device, at]);
  } catch (error) {
    await tryHost(['losetup', '-d', device]);
    throw error;
  }
  return { file, device };
}

/** Unmounts an image and frees its loop device. Harmless when it was done before. */
export async function unmountImage(at: string, device: string | null): Promise<void> {
  if (await isMounted(at)) await host(['umount', at]);
  if (device !== null) await tryHost(['losetup', '-d', device]);
}

/** The instant of the cut: the filesystem stops as it is, with everything unsynced lost. */
export async function cutPowerOf(mountPoint: string): Promise<void> {
  await host(['perl', '-e', shutdownScript, mountPoint]);
}

/** Copies what had reached the image into a fresh file; a file that was behind a loop device before may come back from a stale cache. */
export async function copyAfterCut(file: string): Promise<string> {
  const fresh = nextImage(file);
  await host(['cp', '--sparse=always', file, fresh]);
  await rm(file);
  return fresh;
}

/** The name of the image after this one: `state.4.img` follows `state.3.img`. */
export function nextImage(file: string): string {
  return path.join(path.dirname(file), `state.${imageNumber(file) + 1}.img`);
}

/** The number in an image's name; zero when there is none. */
export function imageNumber(file: string): number {
  return Number(/\.(\d+)\.img$/.exec(file)?.[1] ?? 0);
}
