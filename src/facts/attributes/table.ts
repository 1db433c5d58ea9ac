import { bootSection } from './boot.js';
import { certificateSection } from './certificate.js';
import { cgroupSection } from './cgroup.js';
import { clockSection } from './clock.js';
import { containerSection } from './container.js';
import { cpuSection } from './cpu.js';
import { deviceSection } from './device.js';
import { diskSection } from './disk.js';
import { fileSection } from './file.js';
import { imageSection } from './image.js';
import { kernelSection } from './kernel.js';
import { memorySection } from './memory.js';
import { moduleSection } from './module.js';
import { osSection } from './os.js';
import { packageSection } from './package.js';
import { runtimeSection } from './runtime.js';
import { securitySection } from './security.js';
import { sysctlSection } from './sysctl.js';
import { tpmSection } from './tpm.js';
import { unitSection } from './unit.js';
import type { Attribute, AttributeSection } from './types.js';
import { updateSection } from './update.js';

/** Every section, in the order in which a node answers them. */
export const attributeSections: readonly AttributeSection[] = [
  osSection,
  kernelSection,
  sysctlSection,
  moduleSection,
  cpuSection,
  memorySection,
  diskSection,
  clockSection,
  bootSection,
  cgroupSection,
  securitySection,
  tpmSection,
  deviceSection,
  updateSection,
  runtimeSection,
  unitSection,
  containerSection,
  imageSection,
  packageSection,
  fileSection,
  certificateSection,
];

interface Known {
  attribute: Attribute;
  section: string;
  pattern: RegExp | undefined;
}

const known: readonly Known[] = attributeSections.flatMap(({ section, attributes }) =>
  attributes.map((attribute) => ({ attribute, section, pattern: patternOf(attribute.name) })),
);
const byName = new Map(known.flatMap((one) => (one.pattern === undefined ? [[one.attribute.name, one]] : [])));
const families = groupBySection(known);

/** The attribute that a name means; undefined for a name that no attribute has. */
export function attributeOf(name: string): Attribute | undefined {
  const plain = byName.get(name);
  if (plain !== undefined) return plain.attribute;
  return families.get(sectionOf(name))?.find(({ pattern }) => pattern?.test(name) === true)?.attribute;
}

/** The section of an attribute: the first part of its name. */
export function sectionOf(name: string): string {
  const dot = name.indexOf('.');
  return dot === -1 ? name : name.slice(0, dot);
}

/** Attributes of a section that have one name, not volatile: what is unknown when the whole section is. */
export function fixedNames(section: string): string[] {
  return known.flatMap(({ attribute, section: its, pattern }) =>
    its === section && pattern === undefined && attribute.volatile !== true ? [attribute.name] : [],
  );
}

function groupBySection(all: readonly Known[]): Map<string, Known[]> {
  const groups = new Map<string, Known[]>();
  for (const one of all) {
    if (one.pattern !== undefined) groups.set(one.section, [...(groups.get(one.section) ?? []), one]);
  }
  return groups;
}

function patternOf(name: string): RegExp | undefined {
  if (!name.includes('<')) return undefined;
  const parts = name.split(/<[a-z]+>/u).map((part) => part.replaceAll('.', '\\.'));
  return new RegExp(`^${parts.join('.+')}$`, 'u');
}
