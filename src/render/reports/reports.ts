import { appendFile, open, type FileHandle } from 'node:fs/promises';
import { resolve } from 'node:path';
import { EdgectlError } from '../../errors/error.js';
import { annotationsOfError, annotationsOfRun, commandStop, summaryOfRun } from './github.js';
import { junitOfError, junitOfRun } from './junit.js';
import type { ReportedError, ReportedRun, ReportRequest } from './types.js';

/** What the reports are written with. */
export interface ReportSurroundings {
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  stderr: NodeJS.WritableStream;
  /** Hex from a cryptographic source. */
  randomHex: (bytes: number) => string;
}

/** The reports of one command: opened before anything is changed, written at its end, whatever the end is. */
export class Reports {
  readonly #request: ReportRequest;
  readonly #around: ReportSurroundings;
  readonly #token: string;
  #junit: FileHandle | undefined;
  #annotations: string[] = [];

  private constructor(request: ReportRequest, around: ReportSurroundings) {
    this.#request = request;
    this.#around = around;
    this.#token = `edgectl-${around.randomHex(16)}`;
  }

  /** Opens the files, so that one that cannot be written is told before anything was changed. Throws USAGE. */
  static async open(request: ReportRequest, around: ReportSurroundings): Promise<Reports> {
    const reports = new Reports(request, around);
    if (request.junit !== undefined) {
      const file = resolve(around.cwd, request.junit);
      reports.#junit = await open(file, 'w').catch((error: unknown) => {
        throw new EdgectlError('USAGE', {
          message: `The report ${file} cannot be written: ${(error as Error).message}`,
          cause: error,
        });
      });
    }
    if (request.github) around.stderr.write(commandStop(reports.#token).stop);
    return reports;
  }

  /** What the run came to. */
  async ran(run: ReportedRun): Promise<void> {
    await this.#write(junitOfRun(run));
    this.#annotations = annotationsOfRun(run);
    const summary = this.#around.env['GITHUB_STEP_SUMMARY'];
    if (this.#request.github && summary !== undefined && summary !== '') {
      await appendFile(summary, summaryOfRun(run)).catch((error: unknown) => this.#warn('the step summary', error));
    }
  }

  /** The command ended with an error instead. */
  async failed(error: ReportedError): Promise<void> {
    await this.#write(junitOfError(error));
    this.#annotations = annotationsOfError(error);
  }

  /** After everything else was printed: GitHub listens again, and hears ours. Idempotent. */
  async close(): Promise<void> {
    await this.#junit?.close();
    this.#junit = undefined;
    if (!this.#request.github) return;
    this.#around.stderr.write([commandStop(this.#token).resume, ...this.#annotations.splice(0)].join(''));
    this.#request.github = false;
  }

  async #write(text: string): Promise<void> {
    try {
      await this.#junit?.truncate(0);
      await this.#junit?.write(text, 0);
    } catch (error) {
      this.#warn('the JUnit report', error);
    }
  }

  /** The run has happened: a report that cannot be written does not change what came of it. */
  #warn(what: string, error: unknown): void {
    this.#around.stderr.write(`warning: ${what} could not be written: ${(error as Error).message}\n`);
  }
}
