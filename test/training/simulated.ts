import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import type { DatasetRequest } from '#training/history.ts'
import { TrainingOptions } from '#training/options.ts'
import { type PreparedDataset, prepareDataset } from '#training/prepare.ts'

/** When the tests' models are made: long after the simulated market, 2026-01-05T00:00Z. */
export const NOW = Date.UTC(2026, 0, 5)

/** Two simulated coins over six weeks; the second is trained on and not evaluated. */
export const REQUEST: DatasetRequest = {
  source: { source: 'simulated', seed: 3, hours: 1000, coins: ['BTC', 'PEPE'] },
  state: mkdtempSync(join(tmpdir(), 'millrace-state-')),
}

afterAll(() => rmSync(REQUEST.state, { recursive: true, force: true }))

/** The smallest trainings that are still trainings. */
export const TINY = TrainingOptions.parse({
  backend: 'wasm',
  threads: 1,
  knots: 8,
  architecture: { hidden: 4, width: 4, readout: 4, solver: 'euler' },
  cde: { epochs: 2, batch: 256 },
  hmm: { states: [3], restarts: 1, iterations: 6, knots: 8, rowsPerCoin: 400 },
})

export const prepared = (): Promise<PreparedDataset> => prepareDataset(REQUEST, { now: () => NOW })
