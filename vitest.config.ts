import { defineConfig } from 'vitest/config';

const project = (name: string, extra: Record<string, unknown> = {}) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], ...extra },
});

export default defineConfig({
  test: {
    projects: [
      // A busy machine is no failure: only what never ends is.
      project('unit', { testTimeout: 60_000 }),
      project('integration', { testTimeout: 120_000, hookTimeout: 120_000 }),
      project('machines', { testTimeout: 600_000, hookTimeout: 900_000, fileParallelism: false }),
    ],
  },
});
