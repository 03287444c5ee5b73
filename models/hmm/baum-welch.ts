import { setImmediate as nextTurn } from 'node:timers/promises'
import { expectation, type HourlySequence } from './expectation.ts'
import { type Floors, maximisation } from './maximisation.ts'
import type { HmmParameters } from './parameters.ts'

export interface BaumWelchOptions {
  readonly iterations: number
  /** Stop when an iteration gains less log-likelihood than this per row. */
  readonly tolerance: number
  readonly floors: Floors
}

export interface BaumWelchResult {
  readonly parameters: HmmParameters
  /** Log-likelihood before each M-step: never falling. The last one belongs to `parameters`. */
  readonly logLikelihoods: readonly number[]
  readonly converged: boolean
}

/**
 * Baum-Welch: expectation maximisation over all sequences (Rabiner 1989, section III.C). Gives the event loop a turn
 * after each iteration, so that `signal` can be heard.
 *
 * @throws the signal's reason when it aborts
 */
export async function runBaumWelch(
  start: HmmParameters,
  sequences: readonly HourlySequence[],
  options: BaumWelchOptions,
  signal?: AbortSignal,
): Promise<BaumWelchResult> {
  const rows = sequences.reduce((sum, sequence) => sum + sequence.rows, 0)
  const logLikelihoods: number[] = []
  let parameters = start
  for (let iteration = 0; ; iteration++) {
    signal?.throwIfAborted()
    const statistics = expectation(parameters, sequences)
    const gain = statistics.logLikelihood - (logLikelihoods.at(-1) ?? Number.NEGATIVE_INFINITY)
    logLikelihoods.push(statistics.logLikelihood)
    if (gain < options.tolerance * rows) return { parameters, logLikelihoods, converged: true }
    if (iteration >= options.iterations) return { parameters, logLikelihoods, converged: false }
    parameters = maximisation(parameters, statistics, options.floors)
    await nextTurn()
  }
}
