import { Args } from '@oclif/core';
import type { CommandResult } from '../cli/base.js';
import { BaseCommand } from '../cli/base.js';
import { fishCompletion } from '../cli/fish.js';

export default class Completion extends BaseCommand<typeof Completion> {
  static override summary = 'Print the completion script for fish.';
  static override description =
    'The script holds every command, flag and fixed value; names of nodes and runs are asked of edgectl when they are completed. Print it again after an update. For bash and zsh: `edgectl autocomplete bash`, `edgectl autocomplete zsh`.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> fish > ~/.config/fish/completions/edgectl.fish',
    '<%= config.bin %> <%= command.id %> fish | source',
  ];
  static override args = {
    shell: Args.string({ required: true, options: ['fish'], description: 'The shell.' }),
  };

  protected async execute(): Promise<CommandResult> {
    const script = fishCompletion(this.config.commands, this.config.topics);
    return { data: { shell: this.args.shell, script }, text: () => script.trimEnd() };
  }
}
