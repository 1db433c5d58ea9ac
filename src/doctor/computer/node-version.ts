import type { ComputerCheck } from './check.js';

const least = [20, 19] as const;

/** Is Node.js new enough? (`engines` of package.json says the same, and npm only warns.) */
export const nodeVersionCheck: ComputerCheck = {
  id: 'node.js',
  run: ({ nodeVersion }) => {
    const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
    const enough = major > least[0] || (major === least[0] && minor >= least[1]);
    if (enough) return Promise.resolve({ state: 'ok', detail: `Node.js ${nodeVersion}` });
    const hint = 'install Node.js 20.19 or later: https://nodejs.org/en/download';
    return Promise.resolve({ state: 'bad', detail: `Node.js ${nodeVersion} is too old`, hint });
  },
};
