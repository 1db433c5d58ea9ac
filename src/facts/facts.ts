import type { KitLine } from '../node/types.js';
import { archFact } from './arch.js';
import { bootFact, type BootFact } from './boot.js';
import { clockSkewFact } from './clock.js';
import { componentFacts, type ComponentFacts } from './components.js';
import { diskFact, type DiskFact } from './disk.js';
import { initFact, type InitFact } from './init.js';
import { kernelFact } from './kernel.js';
import { memoryFact, type MemoryFact } from './memory.js';
import { osFact, type OsFact } from './os.js';
import { privilegeFact, type Privilege } from './privilege.js';
import { rawFacts, wholeNumber } from './raw.js';

/** What is known of a node; a field is undefined when the login could not see it. */
export interface NodeFacts {
  /** When it was seen, RFC 3339, UTC. */
  at: string;
  /** True when the node's own kit answered, false at first contact. */
  kit: boolean;
  os: OsFact | undefined;
  arch: string | undefined;
  kernel: string | undefined;
  init: InitFact | undefined;
  disk: DiskFact | undefined;
  memory: MemoryFact | undefined;
  boot: BootFact | undefined;
  /** Seconds by which the node's clock is ahead. */
  clockSkewS: number | undefined;
  privilege: Privilege | undefined;
  components: ComponentFacts;
  /** Highest series that the node has committed; 0 when none. */
  series: number;
  /** Programs that were looked for and found. */
  tools: string[];
}

/** Read the lines of a `facts` answer. `now` is the time of the answer, milliseconds. */
export function parseFacts(lines: readonly KitLine[], how: { kit: boolean; now: number }): NodeFacts {
  const raw = rawFacts(lines);
  return {
    at: new Date(how.now).toISOString(),
    kit: how.kit,
    os: osFact(raw),
    arch: archFact(raw),
    kernel: kernelFact(raw),
    init: initFact(raw),
    disk: diskFact(raw),
    memory: memoryFact(raw),
    boot: bootFact(raw),
    clockSkewS: clockSkewFact(raw, how.now),
    privilege: privilegeFact(raw),
    components: componentFacts(raw),
    series: wholeNumber(raw, 'series') ?? 0,
    tools: Object.entries(raw.under('tool.')).flatMap(([name, there]) => (there === '0' || there === '' ? [] : [name])),
  };
}
