import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { BATCH, WAYS } from './gradient.ts'
import { compareWith, type Suite } from './suite.ts'

const PROGRAM = fileURLToPath(new URL('./memory-program.ts', import.meta.url))

/** Peak memory of a process that does nothing but one of the ways to the gradient of the same batch. */
export const memory: Suite = async ({ backend }) => {
  const values: Record<string, { median: number }> = {}
  for (const way of Object.keys(WAYS)) {
    const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, backend, way])
    values[way] = { median: Number(stdout) }
  }
  return [
    {
      title: `peak memory of a process of its own, gradient of ${BATCH} windows, 48 knots, hidden 64, width 128, 10 times`,
      unit: 'MB resident',
      rows: compareWith(Object.keys(WAYS)[0], values),
    },
  ]
}
