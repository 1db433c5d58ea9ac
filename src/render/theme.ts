import { Chalk, supportsColor } from 'chalk';
import type { ChalkInstance, ColorSupportLevel } from 'chalk';

/** What decides whether a stream gets colour. */
export interface ColorOptions {
  isTTY: boolean;
  env: Readonly<Record<string, string | undefined>>;
  /** `--no-color`. */
  noColor: boolean;
}

/** Colours by meaning; colour only repeats what words already say. */
export interface Theme {
  level: ColorSupportLevel;
  strong: ChalkInstance;
  dim: ChalkInstance;
  good: ChalkInstance;
  bad: ChalkInstance;
  warn: ChalkInstance;
  accent: ChalkInstance;
}

/** Colour level of a stream: `--no-color`, then NO_COLOR (no-color.org), then FORCE_COLOR, then what the terminal can. */
export function colorLevel({ isTTY, env, noColor }: ColorOptions): ColorSupportLevel {
  if (noColor || (env['NO_COLOR'] ?? '') !== '') return 0;
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) {
    const level = Number.parseInt(forced, 10);
    if (forced === 'false' || level === 0) return 0;
    return level === 2 || level === 3 ? level : 1;
  }
  if (!isTTY || env['TERM'] === 'dumb') return 0;
  return supportsColor ? supportsColor.level : 1;
}

/** The one place that makes a Chalk instance; chalk itself ignores NO_COLOR. */
export function createTheme(options: ColorOptions): Theme {
  const level = colorLevel(options);
  const chalk = new Chalk({ level });
  return {
    level,
    strong: chalk.bold,
    dim: chalk.dim,
    good: chalk.green,
    bad: chalk.red,
    warn: chalk.yellow,
    accent: chalk.cyan,
  };
}
