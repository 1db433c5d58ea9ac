/** One row of the error catalogue. Exit codes are those of the documented table. */
export interface CatalogueEntry {
  exitCode: number;
  /** When this is raised, one sentence. */
  summary: string;
  hint?: string;
}

/** Every error code that edgectl can raise. Keep it sorted. */
export const catalogue = {
  BUNDLE_DIGEST_MISMATCH: { exitCode: 4, summary: 'A bundle does not have the digest that was promised.' },
  BUNDLE_FETCH_FAILED: { exitCode: 1, summary: 'A bundle could not be fetched from its server.' },
  BUNDLE_INVALID: { exitCode: 1, summary: 'A bundle archive is malformed or unsafe to unpack.' },
  BUNDLE_NOT_FOUND: {
    exitCode: 1,
    summary: 'No bundle of that name, version and architecture is in the store.',
    hint: 'edgectl runtime list',
  },
  BUNDLE_SIGNATURE: {
    exitCode: 4,
    summary: 'The signature of a bundle is missing, wrong, or by a key that is not allowed.',
  },
  CACHE_DIGEST_UNKNOWN: { exitCode: 64, summary: 'No image of the fleet has anything of that digest.' },
  CACHE_NO_SITE: {
    exitCode: 64,
    summary: 'No site with a registry wants an image.',
    hint: 'give sites a registry in fleet.yaml and name images in images.yaml',
  },
  CANCELLED: { exitCode: 1, summary: 'The prompt was declined; nothing was changed.' },
  CONFIG_INVALID: { exitCode: 64, summary: 'A file of the fleet repository has an error.' },
  CONFIG_NOT_FOUND: { exitCode: 64, summary: 'No fleet repository was found here.', hint: 'edgectl init' },
  CONFIRMATION_NEEDED: {
    exitCode: 64,
    summary: 'A changing command was run without a terminal and without --yes.',
    hint: 'add --yes',
  },
  DRIVER_INVALID: { exitCode: 64, summary: 'A runtime driver file has an error.' },
  DRIVER_NOT_FOUND: {
    exitCode: 64,
    summary: 'There is no runtime driver of that name.',
    hint: 'edgectl runtime list --drivers',
  },
  DRIVER_UNPROVEN: {
    exitCode: 1,
    summary: 'A runtime driver was written from documentation only, and nobody has rolled it out yet.',
    hint: 'try it on a node that may break, with --allow-unproven',
  },
  IMPORT_INCOMPLETE: {
    exitCode: 1,
    summary: 'Something in a source of nodes could not be understood; nothing was written.',
    hint: 'correct the lines that are named, or add --partial to leave them out',
  },
  INTERNAL: { exitCode: 1, summary: 'A bug in edgectl.' },
  INTERRUPTED: { exitCode: 130, summary: 'The command was interrupted; its state is saved.' },
  JOURNAL_CORRUPT: { exitCode: 1, summary: 'The journal database is damaged.', hint: 'edgectl journal rebuild' },
  JOURNAL_DISK_FULL: { exitCode: 1, summary: 'The disk that holds the journal is full; nothing new was started.' },
  JOURNAL_FAILED: { exitCode: 1, summary: 'The journal database could not be read or written.' },
  KEYS_NOT_FOUND: { exitCode: 64, summary: 'There is no signing key for this fleet.', hint: 'edgectl keys init' },
  KEY_EXISTS: { exitCode: 64, summary: 'A key of that name exists already.' },
  LAB_EXISTS: { exitCode: 64, summary: 'A lab is up already.', hint: 'edgectl lab down' },
  LAB_NOT_FOUND: { exitCode: 64, summary: 'No lab is up.', hint: 'edgectl lab up' },
  LAB_UNSUPPORTED: { exitCode: 64, summary: 'This machine lacks what that kind of lab needs.' },
  LEASE_HELD: { exitCode: 9, summary: 'Another run holds the lease.' },
  MANIFEST_SIGNATURE: {
    exitCode: 4,
    summary: 'A record of an enrolled node is not signed by the manifest key of the fleet.',
    hint: 'edgectl node enroll NODE',
  },
  NODE_FAILED: { exitCode: 1, summary: 'A node reported a failure.' },
  NODE_CLASS: { exitCode: 4, summary: 'A node proves less than it did, or than a secret asks for.' },
  NODE_NOT_ENROLLED: { exitCode: 4, summary: 'The node is not enrolled yet.', hint: 'edgectl node enroll NODE' },
  NODE_NOT_FOUND: { exitCode: 64, summary: 'The fleet has no node of that name.', hint: 'edgectl fleet list' },
  NODE_NOT_PREPARED: { exitCode: 4, summary: 'The node has no node kit yet.' },
  NODE_PROTOCOL: { exitCode: 1, summary: 'The node answered something that is not the node protocol.' },
  NODE_REFUSED: { exitCode: 4, summary: 'The node refused the request.' },
  NODE_UNREACHABLE: { exitCode: 3, summary: 'The node could not be reached.' },
  NOT_SEEN: { exitCode: 1, summary: 'Nothing was seen of that node yet.', hint: 'edgectl drift sweep' },
  NOTHING_SELECTED: { exitCode: 64, summary: 'The selector matches no node.', hint: 'edgectl fleet list' },
  OCI_AUTH: {
    exitCode: 4,
    summary: 'A registry refuses access, or asks for credentials that are not there.',
    hint: 'skopeo login or docker login',
  },
  OCI_CREDENTIALS: {
    exitCode: 4,
    summary: 'Credentials for a registry could not be read, or a credential helper failed.',
  },
  OCI_DIGEST_MISMATCH: {
    exitCode: 4,
    summary: 'What a registry sent or stored does not have the digest that it must have.',
  },
  OCI_FOREIGN_LAYER: { exitCode: 1, summary: 'An image has a layer that lies outside its registry.' },
  OCI_GRAPH_TOO_LARGE: {
    exitCode: 1,
    summary: 'An image has more levels, manifests, blobs or referrers than are followed.',
  },
  OCI_INDEX_LOOP: { exitCode: 1, summary: 'An index contains itself.' },
  OCI_MANIFEST_INVALID: { exitCode: 1, summary: 'A manifest is malformed or can be understood in two ways.' },
  OCI_MANIFEST_TOO_LARGE: { exitCode: 1, summary: 'A manifest is larger than 4 MiB.' },
  OCI_MEDIA_TYPE: {
    exitCode: 1,
    summary: 'A manifest is of a kind that edgectl does not read, or not of the kind it is served as.',
  },
  OCI_NOT_FOUND: { exitCode: 1, summary: 'A registry has no such repository, tag or digest.' },
  OCI_REFERENCE: { exitCode: 64, summary: 'The name of an image or repository cannot be read.' },
  OCI_REGISTRY_FAILED: { exitCode: 1, summary: 'A registry answered with an error, or not as the specification says.' },
  OCI_TITLE_UNSAFE: { exitCode: 1, summary: 'A layer has a title that would be written outside a directory.' },
  OCI_UNREACHABLE: { exitCode: 1, summary: 'A registry could not be reached.' },
  PLAN_DIGEST: { exitCode: 4, summary: 'A plan file does not have the digest that it names.' },
  PLAN_EXPIRED: { exitCode: 8, summary: 'A saved plan is past its validity.' },
  PLAN_INVALID: { exitCode: 64, summary: 'A plan file cannot be read.' },
  PLAN_SIGNATURE: {
    exitCode: 4,
    summary: 'The signature of a plan is missing, wrong, or by a key that is not allowed.',
  },
  PLAN_STALE: { exitCode: 8, summary: 'Too many nodes are no longer as the plan saw them.' },
  PREPARATION_STALE: {
    exitCode: 8,
    summary: 'The kit or the keys that a plan would put on nodes can no longer be made exactly as they were.',
    hint: 'make the plan again: edgectl node prepare',
  },
  POLICY_INVALID: { exitCode: 64, summary: 'A rollout policy cannot be used.' },
  RECIPIENT_INVALID: { exitCode: 64, summary: 'An age recipient cannot be used.' },
  RUNTIME_INCOMPATIBLE: {
    exitCode: 1,
    summary: 'A runtime driver refuses the versions that a plan would bring together.',
    hint: 'drain the nodes and add --accept-incompatible, or choose another version',
  },
  RUN_NOT_FOUND: { exitCode: 64, summary: 'The journal knows no such run.', hint: 'edgectl run list' },
  RUN_STATE: { exitCode: 64, summary: 'The run is not in a state that allows this.' },
  SEAL_POLICY_INVALID: { exitCode: 64, summary: 'The conditions for opening a secret cannot be used.' },
  SECRET_INPUT: { exitCode: 64, summary: 'A secret could not be taken in: typed, empty, too large or cut off.' },
  SECRET_NOT_FOUND: { exitCode: 64, summary: 'The fleet has no secret of that name.', hint: 'edgectl secret list' },
  SECRET_UNREADABLE: { exitCode: 4, summary: 'A ciphertext does not open with that identity.' },
  SELECTOR_INVALID: { exitCode: 64, summary: 'A selector cannot be read.' },
  SELECTOR_REQUIRED: { exitCode: 64, summary: 'A changing command needs nodes: a selector, or --all.' },
  SELECTOR_UNKNOWN: { exitCode: 64, summary: 'A selector asks for facts or run states, and none are known here.' },
  SIGNING_FAILED: { exitCode: 4, summary: 'ssh-keygen could not sign.' },
  SOURCE_FAILED: { exitCode: 1, summary: 'A program that prints the fleet’s nodes failed, or printed something else.' },
  SOURCE_UNTRUSTED: {
    exitCode: 4,
    summary: 'The fleet gets its nodes from a program that you have not trusted as it is now.',
    hint: 'edgectl fleet trust',
  },
  SSH_AUTH: { exitCode: 4, summary: 'The node rejected every key that was offered.' },
  SSH_HOST_KEY_CHANGED: { exitCode: 4, summary: 'The node offered another host key than the pinned one.' },
  SSH_HOST_KEY_UNKNOWN: { exitCode: 4, summary: 'The node is not in the fleet’s known_hosts.' },
  SUDO_PASSWORD_INPUT: {
    exitCode: 64,
    summary: 'The password for sudo could not be taken in: its file can be read by others, or is not one line.',
  },
  TOOL_MISSING: { exitCode: 1, summary: 'A program that edgectl needs is not installed here.' },
  TPM_ATTESTATION: { exitCode: 4, summary: 'What a node’s TPM says of itself is refused.' },
  TPM_CERTIFICATE: { exitCode: 4, summary: 'The certificate of a TPM’s endorsement key is refused.' },
  TPM_STRUCTURE: { exitCode: 1, summary: 'A TPM structure is malformed, or of a kind that edgectl does not use.' },
  USAGE: { exitCode: 64, summary: 'The command line cannot be understood.' },
} as const satisfies Record<string, CatalogueEntry>;

/** A code of the catalogue. */
export type ErrorCode = keyof typeof catalogue;
