import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { memoryUsage, pid, uptime } from 'node:process';
import { mapLimit } from '../util/map-limit.js';
import type { ControlAnswer, ControlRequest, LabDaemonStatus } from './control-protocol.js';
import { ControlServer } from './control-server.js';
import { LabNode } from './lab-node.js';
import type { LabLayout } from './layout.js';
import type { NodeInitFactory } from './node-init.js';
import type { LabNodes } from './state.js';

/** Fleets up to this size boot every node at once; larger ones boot a node at its first connection. */
const eagerBootLimit = 100;
/** Nodes that boot at the same time: each starts a handful of processes. */
const bootConcurrency = 4;

/** The background process of an embedded lab: every node's sshd and init, and the control socket. */
export class LabDaemon {
  readonly #layout: LabLayout;
  readonly #nodes: ReadonlyMap<string, LabNode>;
  readonly #control: ControlServer;
  readonly #done: Promise<void>;
  #finish: () => void = () => undefined;
  #stopping = false;

  constructor(layout: LabLayout, nodes: LabNodes, makeInit: NodeInitFactory) {
    this.#layout = layout;
    const isPinned = async (key: string): Promise<boolean> => {
      const blob = key.split(' ')[1] ?? key;
      return (await readFile(join(layout.fleetDir, 'known_hosts'), 'utf8').catch(() => '')).includes(blob);
    };
    this.#nodes = new Map(
      nodes.nodes.map(({ id, port, hostKey }) => {
        const root = layout.nodeRoot(id);
        const { user, clientKey } = nodes;
        return [id, new LabNode({ id, root, port, hostKey, user, clientKey, init: makeInit(root), isPinned })];
      }),
    );
    this.#control = new ControlServer((request) => this.#handle(request));
    this.#done = new Promise((resolve) => (this.#finish = resolve));
  }

  /** Open every port and the control socket; boot the nodes of a small fleet. */
  async start(): Promise<void> {
    for (const node of this.#nodes.values()) await node.open();
    if (this.#nodes.size <= eagerBootLimit)
      await mapLimit([...this.#nodes.values()], bootConcurrency, (node) => node.boot());
    await this.#control.listen(this.#layout.socket);
  }

  /** Resolves when the lab was shut down. */
  done(): Promise<void> {
    return this.#done;
  }

  /**
   * Close every port and the control socket, and end the nodes' processes. Those of a large fleet are left to `lab down`,
   * which finds them all in one look at /proc once this process is gone. Idempotent.
   */
  async stop(): Promise<void> {
    if (this.#stopping) return this.#done;
    this.#stopping = true;
    const nodes = [...this.#nodes.values()];
    await mapLimit(nodes, bootConcurrency, (node) => node.close());
    if (nodes.length <= eagerBootLimit) await mapLimit(nodes, bootConcurrency, (node) => node.powerOff());
    await this.#control.close();
    this.#finish();
  }

  async #handle(request: ControlRequest): Promise<ControlAnswer> {
    if (request.op === 'status') return { ok: true, result: this.#status() };
    if (request.op === 'shutdown') {
      // Answered first: the client waits for the process to be gone.
      setImmediate(() => void this.stop());
      return { ok: true, result: null };
    }
    const node = this.#nodes.get(request.node);
    if (!node) return { ok: false, code: 'NODE_NOT_FOUND', message: `The lab has no node ${request.node}.` };
    if (request.op === 'break') await node.break(request.how);
    else if (request.op === 'heal') await node.heal();
    else await node.boot();
    return { ok: true, result: node.status() };
  }

  #status(): LabDaemonStatus {
    const nodes = [...this.#nodes.values()].map((node) => node.status());
    return { pid, rss: memoryUsage.rss(), up: Math.round(uptime()), nodes };
  }
}
