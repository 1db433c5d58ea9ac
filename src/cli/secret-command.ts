import type { Command } from '@oclif/core';
import type { Surroundings } from '../operations/surroundings.js';
import type { Workbench } from '../operations/workbench.js';
import { BaseCommand } from './base.js';
import type { CommandResult } from './output.js';
import type { SecretFlags } from './secret-flags.js';
import { surroundingsOf } from './surroundings.js';

/** Base of the commands about TPMs and secrets: they ask nodes one by one and make no plan. */
export abstract class SecretCommand<T extends typeof Command> extends BaseCommand<T> {
  #bench: Workbench | undefined;

  /** The fleet with everything that works on it; closed when the command ends. */
  protected async bench(): Promise<Workbench> {
    if (this.#bench !== undefined) return this.#bench;
    const fleet = await this.fleet();
    const { openWorkbench } = await import('../operations/workbench.js');
    return (this.#bench = openWorkbench(fleet, this.surroundings));
  }

  protected get surroundings(): Surroundings {
    const { io, clock, signal, config } = this;
    return surroundingsOf({ io, clock, signal, version: config.version });
  }

  /** Takes a value from standard input and seals it for its nodes. `mustExist`: refused when there is no such secret yet. */
  protected async takeIn(name: string, flags: SecretFlags, mustExist: boolean): Promise<CommandResult> {
    const fleet = await this.fleet();
    const { readSecret } = await import('../seal/read-secret.js');
    const { setSecret } = await import('../operations/secrets/set-secret.js');
    const { setText } = await import('../render/secrets.js');
    const secret = await readSecret({ stream: this.io.stdin, signal: this.signal });
    const { unit: units, owner, mode, require } = flags;
    const settings = { for: flags.for, units, owner, mode, require, mustExist };
    const set = await setSecret(fleet, this.surroundings, name, secret, settings).finally(() => secret.destroy());
    return { data: set, exitCode: set.left.length > 0 ? 3 : 0, text: (ui) => setText(set, ui) };
  }

  override async finally(): Promise<void> {
    await this.#bench?.close();
    await super.finally();
  }
}
