import { resolve } from 'node:path';
import type { Interfaces } from '@oclif/core';
import { Command } from '@oclif/core/command';
import { EdgectlError } from '../errors/error.js';
import type { FactsResult } from '../facts/collect.js';
import type { Fleet } from '../fleet/types.js';
import type { Ui } from '../render/ui.js';
import type { Clock } from '../util/clock.js';
import type { CliContext } from './context.js';
import { processContext } from './context.js';
import { errorEnvelope, resultEnvelope } from './envelope.js';
import type { ErrorReport } from './error-report.js';
import { reportOf } from './error-report.js';
import type { Format } from './flags.js';
import { effectiveFlags, formatFromArgv, sharedFlags } from './flags.js';
import type { Io } from './io.js';
import { write } from './io.js';
import type { CommandResult } from './output.js';
import { formatError, formatResult } from './output.js';
import type { RunSignals } from './signals.js';
import { SignalController } from './signals.js';

export type { CommandResult } from './output.js';

type Shared = typeof sharedFlags;
/** Parsed flags of a command class. */
export type FlagsOf<T extends typeof Command> = Interfaces.InferredFlags<Shared & T['flags']>;
/** Parsed arguments of a command class. */
export type ArgsOf<T extends typeof Command> = Interfaces.InferredArgs<T['args']>;

/** Base of every command: shared flags, one envelope, exit codes, signals. Subclasses write `execute()`. */
export abstract class BaseCommand<T extends typeof Command> extends Command {
  static override baseFlags = sharedFlags;
  /** Set to true where the command changes something: gives it `--yes`. */
  static changing = false;

  protected flags!: FlagsOf<T>;
  protected args!: ArgsOf<T>;
  #context: CliContext | undefined;
  #controller: SignalController | undefined;
  #parsing = false;

  /** The command's work. Throws EdgectlError for operator errors. */
  protected abstract execute(): Promise<CommandResult>;

  /** Runs with other surroundings than the process; for tests. */
  async runWith(context: CliContext): Promise<void> {
    this.#context = context;
    await this._run();
  }

  protected get context(): CliContext {
    return (this.#context ??= processContext());
  }

  protected get io(): Io {
    return this.context.io;
  }

  protected get clock(): Clock {
    return this.context.clock;
  }

  /** Ends when the person wants the command to end (see SignalController). */
  protected get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Drain and detach, for the executor. */
  protected get signals(): RunSignals {
    return this.controller;
  }

  protected get format(): Format {
    return this.flags === undefined
      ? formatFromArgv(this.argv, this.io.env)
      : this.flags.json
        ? 'json'
        : (this.flags.output as Format);
  }

  /** True when people read standard output. */
  protected get forPeople(): boolean {
    return this.format === 'table' || this.format === 'wide';
  }

  /**
   * The fleet repository that `--fleet`, EDGECTL_FLEET or the working directory leads to. When a selector of the command
   * line asks for facts or run states, it comes with what the journal knows.
   */
  protected async fleet(): Promise<Fleet> {
    const [{ findFleet }, { loadFleet }] = await Promise.all([import('../fleet/find.js'), import('../fleet/load.js')]);
    const given = this.flags.fleet;
    const dir = given === undefined ? await findFleet(this.io.cwd) : resolve(this.io.cwd, given);
    const fleet = await loadFleet(dir, this.io);
    const texts = this.selectors();
    if (texts.length === 0) return fleet;
    const { withKnowledge } = await import('./selectors.js');
    const say = async (text: string): Promise<void> => await this.say(text);
    return await withKnowledge(fleet, texts, { io: this.io, clock: this.clock, say });
  }

  /** Keeps what nodes said of themselves for selectors. A journal that cannot be written is told, and stops nothing. */
  protected async remembering(fleet: Fleet): Promise<(results: readonly FactsResult[]) => Promise<void>> {
    const [{ rememberFacts }, { withJournal }] = await Promise.all([
      import('../operations/knowledge.js'),
      import('./journal.js'),
    ]);
    const { io, clock } = this;
    return async (results) => {
      try {
        await withJournal(
          { fleet, io, clock, lookOnly: true },
          async (journal) => await rememberFacts(journal, results),
        );
      } catch (error) {
        if (!(error instanceof EdgectlError)) throw error;
        await this.say(`These facts were not kept for selectors: ${error.message}`);
      }
    };
  }

  /** Texts of the command line that may be selectors. */
  protected selectors(): string[] {
    const { on } = this.flags as { on?: unknown };
    const { node, words } = this.args as { node?: unknown; words?: unknown };
    return [on, node, words].flat().filter((text): text is string => typeof text === 'string' && text !== '');
  }

  /** Asks before something is changed (default no). Returns when the answer is yes, throws otherwise. */
  protected async confirm(question: string): Promise<void> {
    if ((this.flags as { yes?: boolean }).yes) return;
    if (!this.io.isTTY) {
      throw new EdgectlError('CONFIRMATION_NEEDED', {
        message: 'This would change things, and there is no terminal to ask on.',
      });
    }
    const { askYesNo } = await import('../render/prompts.js');
    const answer = await askYesNo(question, { input: this.io.stdin, output: this.io.stderr, signal: this.signal });
    if (!answer) throw new EdgectlError('CANCELLED', { message: 'Declined; nothing was changed.' });
  }

  /** Writes a text for people to standard error, e.g. a preview before the question. */
  protected async say(text: string | ((ui: Ui) => string)): Promise<void> {
    const body = typeof text === 'string' ? text : text(await this.ui('stderr'));
    await write(this.io.stderr, body.endsWith('\n') ? body : `${body}\n`);
  }

  /** Theme, width and tables for one of the output streams. */
  protected async ui(stream: 'stdout' | 'stderr' = 'stdout'): Promise<Ui> {
    const { createUi } = await import('../render/ui.js');
    const noColor = this.flags?.['no-color'] ?? this.argv.includes('--no-color');
    const isTTY = stream === 'stdout' ? this.io.stdoutIsTTY : this.io.stderrIsTTY;
    return createUi({ isTTY, env: this.io.env, noColor, width: this.io.columns, wide: this.format === 'wide' });
  }

  /** Called when the command line is read and before anything is done. */
  protected async began(): Promise<void> {}

  /** Called with the error that the command ends with. Must not throw. */
  protected async failed(_report: ErrorReport): Promise<void> {}

  override async run(): Promise<void> {
    await this.#parse();
    await this.began();
    const result = await this.#untilAborted(this.execute());
    const exitCode = result.exitCode ?? 0;
    const envelope = resultEnvelope(this.commandName, result.data, exitCode, result.runId);
    const text = await formatResult(this.format, result, envelope, await this.ui());
    this.context.setExitCode(exitCode);
    await write(this.io.stdout, text);
  }

  override async init(): Promise<void> {
    this.controller.install();
  }

  override async finally(): Promise<void> {
    this.controller.remove();
  }

  /** Shows an error once, on the right stream, with the right exit code; oclif sees none of it. */
  override async catch(thrown: Error): Promise<void> {
    // Keeps oclif from warning that a command line with an error was not parsed.
    this.parsed = true;
    const interrupted = this.controller.exitCode;
    const own = thrown instanceof EdgectlError;
    const error =
      interrupted === undefined || own
        ? thrown
        : new EdgectlError('INTERRUPTED', {
            message: `Ended by ${this.controller.received ?? 'a signal'}.`,
            exitCode: interrupted,
            cause: thrown,
          });
    const { flags, baseFlags, changing } = this.ctor as typeof BaseCommand;
    const known = Object.keys(effectiveFlags({ ...baseFlags, ...flags }, changing));
    const report = reportOf(error, { parsing: this.#parsing, command: this.id ?? '', flags: known });
    const exitCode = interrupted ?? report.exitCode;
    this.context.setExitCode(exitCode);
    const runId = typeof report.data['run'] === 'string' ? report.data['run'] : undefined;
    await this.failed({ ...report, exitCode });
    await write(
      this.io.stdout,
      await formatError(this.format, errorEnvelope(this.commandName, { ...report, exitCode }, runId)),
    );
    const debug = this.flags?.debug ?? this.argv.includes('--debug');
    // A list of names on standard output has no room for an error.
    if (this.forPeople || this.format === 'name' || debug) {
      const { renderError } = await import('../render/error.js');
      await write(this.io.stderr, renderError(report, { ui: await this.ui('stderr'), debug }));
    }
  }

  protected get controller(): SignalController {
    return (this.#controller ??= new SignalController(this.context.signals, (code) => this.context.giveUp(code)));
  }

  /** `rollout runtime`. */
  protected get commandName(): string {
    return (this.id ?? '').replaceAll(':', ' ');
  }

  async #parse(): Promise<void> {
    this.#parsing = true;
    const command = this.ctor as typeof BaseCommand;
    const declared: Interfaces.FlagInput = { ...command.baseFlags, ...command.flags };
    const flags = effectiveFlags(declared, command.changing);
    const { applyDefaults } = await import('./config.js');
    const withDefaults = await applyDefaults(flags, { io: this.io, command: this.commandName, argv: this.argv });
    const parsed = await this.parse({ flags: withDefaults, baseFlags: {}, args: command.args, strict: command.strict });
    this.flags = parsed.flags as FlagsOf<T>;
    this.args = parsed.args as ArgsOf<T>;
    this.#parsing = false;
  }

  /** A command that does not drain by itself ends with the first signal. */
  async #untilAborted<R>(work: Promise<R>): Promise<R> {
    const { signal } = this;
    return await new Promise<R>((resolve, reject) => {
      work.then(resolve, reject);
      signal.addEventListener('abort', () => {
        if (this.controller.drains) return;
        reject(
          new EdgectlError('INTERRUPTED', {
            message: `Ended by ${String(signal.reason)}.`,
            exitCode: this.controller.exitCode ?? 130,
          }),
        );
      });
    });
  }
}
