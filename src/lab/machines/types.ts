/** A Debian suite that lab machines are built from. */
export type MachineSuite = 'trixie' | 'bookworm';

/** How to build and start a fleet of lab machines. */
export interface MachinesOptions {
  /** An own, empty or absent directory: overlays, images, keys and the state file. On a filesystem that can carry overlays. */
  dir: string;
  count: number;
  /** Node ids are `<prefix>-001` and on; `edge` when absent. */
  prefix?: string;
  /** Where base roots are kept between labs; `$XDG_CACHE_HOME/edgectl/lab` by custom. */
  cacheDir: string;
  suite?: MachineSuite;
  /** MiB of an ext4 image of its own under /var/lib/edgectl, needed for power cuts; plain overlay when absent. */
  stateImageMiB?: number;
  signal?: AbortSignal;
  /** One line for a person about what is going on. */
  log?: (line: string) => void;
}

/** What the state file keeps of one machine, enough to reach and end it from another process. */
export interface MachineRecord {
  id: string;
  /** nspawn's machine name; its interface on the host is `vb-<unit>`. */
  unit: string;
  address: string;
  suite: MachineSuite;
  baseRoot: string;
  /** The machine's directory below the lab's. */
  dir: string;
  /** Public host key, `ssh-ed25519 AAAA…`. */
  hostKey: string;
  stateImageMiB: number | null;
  /** The supervising systemd-nspawn; null while the machine is off. `startTicks` tells it from a later process of that number. */
  supervisor: { pid: number; startTicks: number } | null;
  /** Backing file and loop device of the state image, while mounted. */
  image: { file: string; device: string | null } | null;
}

/** The lab's state file, `machines.json`. */
export interface MachinesRecord {
  schema: 1;
  tag: string;
  bridge: string;
  /** First three octets of the /24, e.g. `10.213.77`. */
  subnet: string;
  identityFile: string;
  nodes: MachineRecord[];
}
