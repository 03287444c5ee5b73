import type { Reporter, TestModule, TestRunEndReason } from 'vitest/node'

/**
 * Says how many tests passed, failed and were skipped, in one line. In CI a skipped test is a failure: the machine
 * has all that the tests may ask for, so whatever is skipped there is tested nowhere.
 */
export default function tally(): Reporter {
  return {
    onTestRunEnd(modules: readonly TestModule[], _errors: readonly unknown[], _reason: TestRunEndReason) {
      const count = { passed: 0, failed: 0, skipped: 0, pending: 0 }
      const skipped: string[] = []
      for (const module of modules) {
        for (const test of module.children.allTests()) {
          count[test.result().state]++
          if (test.result().state === 'skipped') skipped.push(`${module.relativeModuleId}: ${test.fullName}`)
        }
      }
      process.stdout.write(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped\n`)
      if (!process.env.CI || skipped.length === 0) return
      process.stdout.write(`skipped, though CI has all it needs:\n${skipped.map((name) => `  ${name}\n`).join('')}`)
      process.exitCode = 1
    },
  }
}
