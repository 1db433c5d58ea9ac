/** Bytes: the largest file that is taken into a bundle. */
export const maxFileBytes = 1024 ** 3;
/** Bytes: the most that a source or a bundle may unpack to. */
export const maxUnpackedBytes = 2 * 1024 ** 3;
/** Entries: the most that a source may have. */
export const maxEntries = 100_000;
/** Bytes: the largest bundle archive. */
export const maxArchiveBytes = 1024 ** 3;
/** Bytes: the largest statement, signature, MANIFEST or driver text that is read. */
export const maxTextBytes = 1024 ** 2;
