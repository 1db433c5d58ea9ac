import { escapeForTerminal as safe } from '../util/escape.js';

/** One thing to do, with a title in the imperative. */
export interface TaskItem {
  title: string;
  /** May say how far it is, and return a title for when it is done. Throwing ends the list, or only this task when the list shall go on. */
  run(say: (text: string) => void): Promise<string | void>;
}

/** Where a task list is shown. */
export interface TaskScreen {
  stderr: NodeJS.WritableStream;
  /** True when it is a terminal that can be redrawn; otherwise a line when a task starts and when it ends. */
  redraw: boolean;
}

/** Runs a short list of tasks one after another (or a few at once) and shows them with listr2, on standard error. */
export async function runTasks(
  items: readonly TaskItem[],
  screen: TaskScreen,
  options: { concurrent?: number; goOn?: boolean } = {},
): Promise<void> {
  const { Listr, ListrLogger, ProcessOutput } = await import('listr2');
  const stderr = screen.stderr as NodeJS.WriteStream;
  const logger = new ListrLogger({
    processOutput: new ProcessOutput(stderr, stderr, { leaveEmptyLine: false }),
    useIcons: screen.redraw,
  });
  const tasks = items.map((item) => ({
    title: safe(item.title),
    task: async (_: unknown, task: { title: string; output: string }) => {
      const done = await item
        .run((text) => {
          task.output = safe(text);
        })
        .catch((error: unknown) => {
          if (options.goOn === true) task.title = safe((error as Error).message);
          throw error;
        });
      if (typeof done === 'string') task.title = safe(done);
    },
  }));
  // listr2 would end the process with 127 on SIGINT; signals are the base command's.
  const common = {
    concurrent: options.concurrent ?? false,
    exitOnError: options.goOn !== true,
    registerSignalListeners: false,
  } as const;
  const list = screen.redraw
    ? new Listr(tasks, {
        ...common,
        renderer: 'default',
        rendererOptions: { logger, collapseErrors: false, showErrorMessage: false },
      })
    : new Listr(tasks, { ...common, renderer: 'simple', rendererOptions: { logger } });
  await list.run();
}
