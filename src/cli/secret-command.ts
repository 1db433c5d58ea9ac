import type { Command } from '@oclif/core';
import type { Surroundings } from '../operations/surroundings.js';
import type { Workbench } from '../operations/workbench.js';
import { BaseCommand } from './base.js';
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

  override async finally(): Promise<void> {
    await this.#bench?.close();
    await super.finally();
  }
}
