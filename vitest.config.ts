import { defineConfig } from 'vitest/config';

const project = (name: string, extra: Record<string, unknown> = {}) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], ...extra },
});

export default defineConfig({
  test: {
    projects: [
      // A busy machine is no failure: only what never ends is. The integration tests wait for windows and deadlines far more than they work,
      // so more of them than there are cores run side by side; groups run one after the other.
      project('unit', { testTimeout: 60_000, maxWorkers: '100%', sequence: { groupOrder: 0 } }),
      project('integration', {
        testTimeout: 240_000,
        hookTimeout: 240_000,
        maxWorkers: 5,
        sequence: { groupOrder: 1 },
      }),
      project('machines', {
        testTimeout: 600_000,
        hookTimeout: 900_000,
        fileParallelism: false,
        sequence: { groupOrder: 2 },
      }),
    ],
  },
});
