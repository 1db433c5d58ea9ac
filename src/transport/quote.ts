const plain = /^[A-Za-z0-9_/:.,@%+-]+$/u;

/** Quote an argv as one POSIX shell command line (XCU 2.2.2: inside single quotes nothing is special). Throws on NUL, which no argument can hold. */
export function quoteArgv(argv: readonly string[]): string {
  return argv.map(quoteWord).join(' ');
}

/** Quote one word for a POSIX shell. */
export function quoteWord(word: string): string {
  if (word.includes('\0')) throw new RangeError('A command argument cannot hold a NUL character.');
  return plain.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
