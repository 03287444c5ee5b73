import { globSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import tally from './test/reporter.ts'

// Tests begin hundreds of processes of ours; compiled once, each begins in half the time.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('node_modules/.cache/millrace-tests', import.meta.url))

const TESTS = 'test/**/*.test.ts'
/** Replaces modules or globals, which all that run after it in the same process would find replaced. */
const REPLACES = /\bvi\.(mock|doMock|stubGlobal|stubEnv)\(/
/** OpenTelemetry is set up once for a process. */
const TRACES = 'test/jobs/watch/{telemetry,watch-*}.test.ts'

/** Tests that need a process of their own; all others share one after the other what a process has loaded. */
const apart = [...globSync(TESTS).filter((file) => REPLACES.test(readFileSync(file, 'utf8'))), TRACES]

/** Where tests wait for processes, the longest first: whatever is short fills up the other core while they do. */
const LONG = [/retraining-|run-embedded/, /\/chaos\//, /\/cli\//, /-embedded|-redis|crash/, /\/jobs\//]

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const found = LONG.findIndex((pattern) => pattern.test(moduleId))
      return found < 0 ? LONG.length : found
    }
    const shared = ({ project }: TestSpecification) => Number(!project.config.isolate)
    return (await super.sort(files)).toSorted((a, b) => shared(a) - shared(b) || rank(a) - rank(b))
  }
}

export default defineConfig({
  test: {
    pool: 'forks',
    // The default leaves a core idle, which on two cores is half of the machine: tests that wait for processes are many.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default', tally()],
    sequence: { sequencer: LongestFirst },
    projects: [
      { extends: true, test: { name: 'apart', include: apart } },
      { extends: true, test: { name: 'together', include: [TESTS], exclude: apart, isolate: false } },
    ],
  },
})
