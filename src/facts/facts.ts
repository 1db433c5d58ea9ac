import type { KitIdentity } from '../node/protocol.js';
import type { KitLine } from '../node/types.js';
import { archFact } from './arch.js';
import { bootFact, type BootFact } from './boot.js';
import { cgroupFact } from './cgroup.js';
import { componentFacts, type ComponentFacts } from './components.js';
import { diskFreeFact } from './disk.js';
import { initFact, type InitFact } from './init.js';
import { kernelFact } from './kernel.js';
import { memoryAvailableFact } from './memory.js';
import { osFact, type OsFact } from './os.js';
import { privilegeFact, type Privilege } from './privilege.js';
import { rawFacts, wholeNumber } from './raw.js';
import { verifiesFact } from './signatures.js';

/** What is known of a node; a field is undefined when the login could not see it. */
export interface NodeFacts {
  /** When it was seen, RFC 3339, UTC. */
  at: string;
  /** True when the node's own kit answered, false at first contact. */
  kit: boolean;
  /** What that kit says of itself; undefined at first contact. */
  kitIdentity: KitIdentity | undefined;
  os: OsFact | undefined;
  arch: string | undefined;
  kernel: string | undefined;
  init: InitFact | undefined;
  cgroup: 1 | 2 | undefined;
  diskFreeBytes: number | undefined;
  memoryAvailableBytes: number | undefined;
  boot: BootFact | undefined;
  privilege: Privilege | undefined;
  verifies: boolean | undefined;
  components: ComponentFacts;
  /** Highest series that the node has committed; 0 when none. */
  series: number;
}

/** Read the lines of a `facts` answer. `now` is the time of the answer, milliseconds. */
export function parseFacts(lines: readonly KitLine[], how: { kit: boolean; now: number }): NodeFacts {
  const raw = rawFacts(lines);
  return {
    at: new Date(how.now).toISOString(),
    kit: how.kit,
    kitIdentity: raw.kit,
    os: osFact(raw),
    arch: archFact(raw),
    kernel: kernelFact(raw),
    init: initFact(raw),
    cgroup: cgroupFact(raw),
    diskFreeBytes: diskFreeFact(raw),
    memoryAvailableBytes: memoryAvailableFact(raw),
    boot: bootFact(raw),
    privilege: privilegeFact(raw),
    verifies: verifiesFact(raw),
    components: componentFacts(raw),
    series: wholeNumber(raw, 'series') ?? 0,
  };
}
