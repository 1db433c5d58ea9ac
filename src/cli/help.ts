import { CommandHelp, Help } from '@oclif/core/help';

/** A command's help with its examples right behind the usage: what most people came for. */
class ExamplesFirst extends CommandHelp {
  protected override sections(): ReturnType<CommandHelp['sections']> {
    const isExamples = ({ header }: { header: string }): boolean => header === 'EXAMPLES';
    const sections = super.sections();
    const rest = sections.slice(1);
    return [...sections.slice(0, 1), ...rest.filter(isExamples), ...rest.filter((section) => !isExamples(section))];
  }
}

/** The help class that package.json names to oclif. */
export default class EdgectlHelp extends Help {
  protected override CommandHelpClass = ExamplesFirst;
}
