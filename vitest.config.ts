import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import tally from './test/reporter.ts'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // The default leaves a core idle, which on two cores is half of the machine: tests that wait for processes are many.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default', tally()],
  },
})
