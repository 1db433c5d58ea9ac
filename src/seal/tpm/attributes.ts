/** Bits of TPMA_OBJECT (TPM 2.0 Library part 2, 8.3). */
export const objectAttributes = {
  fixedTpm: 1 << 1,
  stClear: 1 << 2,
  fixedParent: 1 << 4,
  sensitiveDataOrigin: 1 << 5,
  userWithAuth: 1 << 6,
  adminWithPolicy: 1 << 7,
  noDa: 1 << 10,
  encryptedDuplication: 1 << 11,
  restricted: 1 << 16,
  decrypt: 1 << 17,
  sign: 1 << 18,
  x509Sign: 1 << 19,
} as const;

/** Name of one attribute. */
export type ObjectAttribute = keyof typeof objectAttributes;

const known = Object.values(objectAttributes).reduce((all, bit) => all | bit, 0);

/** True when no bit is set that the specification reserves. */
export function areKnownAttributes(attributes: number): boolean {
  return (attributes & ~known) === 0;
}

/** The word for some attributes. */
export function attributeBits(names: readonly ObjectAttribute[]): number {
  return names.reduce((all, name) => all | objectAttributes[name], 0);
}

/** Names of the attributes that are set. */
export function attributeNames(attributes: number): ObjectAttribute[] {
  const names = Object.keys(objectAttributes) as ObjectAttribute[];
  return names.filter((name) => (attributes & objectAttributes[name]) !== 0);
}

/** What keeps attributes from being as they must: `lacks fixedTpm`, `must not have sign`. Empty when nothing does. */
export function attributeFaults(
  attributes: number,
  want: { all: readonly ObjectAttribute[]; none: readonly ObjectAttribute[] },
): string[] {
  const set = new Set(attributeNames(attributes));
  return [
    ...want.all.filter((name) => !set.has(name)).map((name) => `lacks ${name}`),
    ...want.none.filter((name) => set.has(name)).map((name) => `must not have ${name}`),
  ];
}
