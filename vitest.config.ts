import { defineConfig } from 'vitest/config';

const project = (name: string, extra: Record<string, unknown> = {}) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], ...extra },
});

export default defineConfig({
  test: {
    projects: [
      project('unit'),
      project('integration', { testTimeout: 120_000, hookTimeout: 120_000 }),
      project('machines', { testTimeout: 600_000, hookTimeout: 900_000, fileParallelism: false }),
    ],
  },
});
