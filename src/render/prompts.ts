/** Where a question is asked. */
export interface PromptStreams {
  input: NodeJS.ReadableStream;
  output: NodeJS.WritableStream;
  signal?: AbortSignal;
}

/** Asks a yes-or-no question on the terminal; the default is no, and so is Ctrl-C. */
export async function askYesNo(question: string, streams: PromptStreams): Promise<boolean> {
  const { confirm } = await import('@inquirer/prompts');
  try {
    return await confirm({ message: question, default: false }, streams);
  } catch (error) {
    if (error instanceof Error && (error.name === 'ExitPromptError' || error.name === 'AbortPromptError')) return false;
    throw error;
  }
}

/** Asks for a password on the terminal; nothing of it is shown. Undefined when the person ends the question. */
export async function askHidden(question: string, streams: PromptStreams): Promise<string | undefined> {
  const { password } = await import('@inquirer/prompts');
  try {
    return await password({ message: question, mask: false }, streams);
  } catch (error) {
    if (error instanceof Error && (error.name === 'ExitPromptError' || error.name === 'AbortPromptError'))
      return undefined;
    throw error;
  }
}
