import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './cli.js';

/** Reads JUnit reports with xmllint, in a directory of its own that is removed by {@link JUnitFile.remove}. */
export class JUnitFile {
  private dir: string | undefined;

  /** Empty when the text follows the schema; throws with xmllint's words when it does not. */
  valid(xml: string): string {
    return this.xmllint(xml, '--noout', '--schema', `${root}test/fixtures/junit.xsd`);
  }

  /** The text at an XPath. */
  value(xml: string, path: string): string {
    return this.xmllint(xml, '--xpath', `string(${path})`);
  }

  private xmllint(xml: string, ...args: string[]): string {
    this.dir ??= mkdtempSync(join(tmpdir(), 'edgectl-junit-'));
    const file = join(this.dir, 'report.xml');
    writeFileSync(file, xml);
    return execFileSync('xmllint', [...args, file], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  }

  remove(): void {
    if (this.dir !== undefined) rmSync(this.dir, { recursive: true });
  }
}
