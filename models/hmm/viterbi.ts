import type { HourlyChain } from './filter.ts'

/**
 * Most probable sequence of states given all observations (Viterbi 1967; Rabiner 1989, equations 32-35).
 * It looks into the future like the smoother does: for pictures and diagnosis, never for decisions.
 *
 * @param logDensities log p(x_t | state), `[rows, K]`
 * @returns one state per row
 */
export function mostProbableStates(chain: HourlyChain, logDensities: Float64Array, rows: number): Uint8Array {
  const { states } = chain
  const path = new Uint8Array(rows)
  if (rows === 0) return path
  const logTransition = chain.transition.map(Math.log)
  const cameFrom = new Uint8Array(rows * states)
  let score = new Float64Array(states)
  let next = new Float64Array(states)
  for (let k = 0; k < states; k++) score[k] = Math.log(chain.initial[k]) + logDensities[k]
  for (let row = 1; row < rows; row++) {
    for (let j = 0; j < states; j++) {
      let best = 0
      for (let i = 1; i < states; i++) {
        if (score[i] + logTransition[i * states + j] > score[best] + logTransition[best * states + j]) best = i
      }
      cameFrom[row * states + j] = best
      next[j] = score[best] + logTransition[best * states + j] + logDensities[row * states + j]
    }
    ;[score, next] = [next, score]
  }
  for (let k = 1; k < states; k++) if (score[k] > score[path[rows - 1]]) path[rows - 1] = k
  for (let row = rows - 1; row > 0; row--) path[row - 1] = cameFrom[row * states + path[row]]
  return path
}
