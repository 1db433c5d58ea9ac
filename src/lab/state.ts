import { readFile } from 'node:fs/promises';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import { EdgectlError } from '../errors/error.js';
import type { LabLayout } from './layout.js';

const stateSchema = z.object({
  schema: z.literal(1),
  kind: z.enum(['embedded', 'machines']),
  createdAt: z.string(),
  fleet: z.object({ id: z.string(), dir: z.string() }),
  nodes: z.number().int(),
  /** Absent until the daemon runs. */
  daemon: z.object({ pid: z.number().int(), startTime: z.string(), socket: z.string() }).optional(),
  /** Absolute paths that `up` made in the user's own directories (signing key, bundles, journal); `down` removes them. */
  leftElsewhere: z.array(z.string()),
});
/** `lab.json`: what was started, so that `down` ends exactly that. */
export type LabState = z.infer<typeof stateSchema>;

const nodesSchema = z.object({
  user: z.string(),
  clientKey: z.string(),
  nodes: z.array(z.object({ id: z.string(), port: z.number().int(), hostKey: z.string(), hostPublicKey: z.string() })),
});
/** `nodes.json`: what the daemon serves. */
export type LabNodes = z.infer<typeof nodesSchema>;

/** Read `lab.json`; undefined when there is no lab. */
export async function readLabState(layout: LabLayout): Promise<LabState | undefined> {
  const text = await readIfThere(layout.stateFile);
  return text === undefined ? undefined : parse(layout.stateFile, text, stateSchema);
}

/** Read `lab.json` of a lab that has to be there. */
export async function requireLabState(layout: LabLayout): Promise<LabState> {
  const state = await readLabState(layout);
  if (!state) throw new EdgectlError('LAB_NOT_FOUND', { message: `No lab is up in ${layout.dir}.` });
  return state;
}

/** Write `lab.json`, all or nothing. */
export async function writeLabState(layout: LabLayout, state: LabState): Promise<void> {
  await writeFileAtomic(layout.stateFile, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
}

/** Read `nodes.json`. */
export async function readLabNodes(layout: LabLayout): Promise<LabNodes> {
  return parse(layout.nodesFile, await readFile(layout.nodesFile, 'utf8'), nodesSchema);
}

/** Write `nodes.json`; it holds the host keys, so only its owner may read it. */
export async function writeLabNodes(layout: LabLayout, nodes: LabNodes): Promise<void> {
  await writeFileAtomic(layout.nodesFile, `${JSON.stringify(nodes)}\n`, { mode: 0o600 });
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function parse<T>(file: string, text: string, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new EdgectlError('LAB_NOT_FOUND', {
      message: `${file} is not a lab's.`,
      cause,
      hint: `remove ${file} by hand`,
    });
  }
}
