import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HOUR } from '#data/bars.ts'
import type { FeatureTable } from '#data/features.ts'
import { type InferRoundOptions, type InferRoundResult, inferRound } from '#jobs/infer-round.ts'
import { answerFor, CHANNELS, KNOTS } from '../../jobs/fixtures/serving.ts'
import type { RowNotes } from './row.ts'

/** Job `n` is told from the others by the feature `n / KEYS_APART`, which float32 holds exactly. */
export const KEYS_APART = 16_384

const START = Date.UTC(2026, 10, 1)
/** Rows before the first that a window can end at. */
const BEFORE = KNOTS - 1
export const SERVING_MODULE = new URL('../fixtures/noting-model.ts', import.meta.url).href

/** A table with one row to estimate for each of `count` jobs. */
function numberedTable(count: number): FeatureTable {
  const rows = BEFORE + count
  const values = new Float32Array(rows * CHANNELS.length)
  for (let row = BEFORE; row < rows; row++) values[row * CHANNELS.length] = (row - BEFORE) / KEYS_APART
  return {
    coin: 'BTC',
    channels: ['return', 'funding'],
    values,
    asOf: Float64Array.from({ length: rows }, (_, row) => START + row * HOUR),
    sigma: new Float64Array(rows).fill(0.01),
  }
}

/** A round of `count` inference jobs of one window each, numbered from 0. */
export function numberedRound(
  count: number,
  options: Pick<InferRoundOptions, 'broker' | 'progress' | 'timeout' | 'signal' | 'round'>,
): Promise<InferRoundResult> {
  const table = numberedTable(count)
  const asOf = { from: table.asOf[BEFORE], to: table.asOf[table.asOf.length - 1] + HOUR }
  return inferRound({ ...options, tables: [table], asOf, rowsPerJob: 1, history: BEFORE })
}

/** A folder in which the workers write down what they did (`fixtures/noting-model.ts`). */
export async function openEffects() {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-effects-'))
  return {
    directory,
    async read(): Promise<Effects> {
      const effects: Effects = { began: [], ended: [], answers: new Map(), workers: 0 }
      for (const name of await readdir(directory)) {
        effects.workers++
        for (const line of (await readFile(join(directory, name), 'utf8')).split('\n')) {
          const [what, number, answer] = line.split(' ')
          if (what === 'began') effects.began.push(Number(number))
          // The sink keeps one answer for a job, however often the job was done.
          if (what === 'ended') {
            effects.ended.push(Number(number))
            const known = effects.answers.get(Number(number)) ?? new Set()
            effects.answers.set(Number(number), known.add(answer))
          }
        }
      }
      return effects
    },
    close: () => rm(directory, { recursive: true, force: true }),
  }
}

export interface Effects {
  /** Numbers of jobs, once for each time that a worker began, or ended, to work on one. */
  readonly began: number[]
  readonly ended: number[]
  /** What a sink holds that is keyed by the job: the different answers of each. One each, where all is well. */
  readonly answers: Map<number, Set<string>>
  /** Worker processes that did anything. */
  workers: number
}

/** Holds a round and what its workers wrote against what must be. */
export function judgeRound(row: RowNotes, count: number, round: InferRoundResult, effects: Effects): void {
  const jobs = Array.from({ length: count }, (_, number) => number)
  row.figure('jobs', count)
  row.figure('done again', effects.ended.length - effects.answers.size)
  row.figure('begun in vain', effects.began.length - effects.ended.length)
  row.promise('no job fails', round.failures.length === 0, round.failures[0]?.error.message)
  row.promise('nothing is lost', round.windows === count, round.windows)
  const missing = jobs.filter((number) => !effects.answers.has(number))
  row.promise('every job has its effect', missing.length === 0, missing.slice(0, 5))
  const twofold = jobs.filter((number) => (effects.answers.get(number)?.size ?? 0) > 1)
  row.promise('a job done twice has one effect', twofold.length === 0, twofold.slice(0, 5))
  const found = round.estimates.get('BTC')?.probabilities ?? new Float32Array(0)
  const wrong = jobs.filter((number) => found[number * 3] !== Math.fround(answerFor([number / KEYS_APART])[0]))
  row.promise(
    'every answer is where it belongs, once',
    wrong.length === 0 && found.length === count * 3,
    wrong.slice(0, 5),
  )
}
