import type { Driver } from './schema.js';

/** The node's part of a driver, `key=value` lines in C order (node protocol, section 5). Pure. */
export function renderNodeDriver(driver: Driver): string {
  const lines: [string, string][] = [
    ['class', driver.class],
    ['component', driver.component],
    ['version-probe', driver.version.probe.join(' ')],
  ];
  const numbered = (key: string, values: readonly string[]): void => {
    values.forEach((value, index) => lines.push([`${key}.${index + 1}`, value]));
  };
  numbered(
    'adopt',
    driver.adopt.map((entry) => `${entry.from.join('|')} ${entry.to}`),
  );
  numbered(
    'link',
    driver.links.map((link) => `${link.path} ${link.to}`),
  );
  numbered(
    'probe',
    driver.health.map((words) => words.join(' ')),
  );
  numbered('state', driver.state);
  if (driver.survive.length > 0) lines.push(['survive', driver.survive.join(' ')]);
  if (driver.surviveAge !== undefined) lines.push(['survive.age', String(driver.surviveAge)]);
  const { service } = driver;
  if (service !== undefined) {
    lines.push(['service', service.unit], ['service.exec', service.exec.join(' ')]);
    lines.push(['start-timeout', String(service.startTimeout)]);
    if (service.path.length > 0) lines.push(['service.path', service.path.join(',')]);
    if (service.pin.length > 0) lines.push(['service.pin', service.pin.join(',')]);
    if (service.grace !== undefined) lines.push(['service.grace', String(service.grace)]);
    if (service.killMode !== undefined) lines.push(['service.kill-mode', service.killMode]);
  }
  return lines
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}
