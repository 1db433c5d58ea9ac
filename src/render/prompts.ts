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
