import { smallArchitecture } from '../classifier/cases.ts'
import { describeEncoder, type ReferenceState } from '../classifier/encoder-behaviour.ts'

const HIDDEN = 5

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))

/** Cho et al. 2014, equations 5 to 8, unit by unit. */
const reference: ReferenceState = (parameters, knots) => {
  const at = new Float64Array(knots[0].length)
  let state = new Array<number>(HIDDEN).fill(0)
  knots.forEach((move, knot) => {
    for (let p = 0; p < at.length; p++) at[p] += move[p]
    const reading = [...at, knot === 0 ? 0 : move[0]]
    const column = (values: readonly number[], weight: Float64Array, width: number, j: number) =>
      values.reduce((sum, value, i) => sum + value * weight[i * width + j], 0)
    const gate = (j: number) =>
      sigmoid(
        column(reading, parameters.gateInputWeight, 2 * HIDDEN, j) +
          column(state, parameters.gateStateWeight, 2 * HIDDEN, j) +
          parameters.gateBias[j],
      )
    const kept = state.map((value, unit) => gate(unit) * value)
    state = state.map((value, unit) => {
      const update = gate(HIDDEN + unit)
      const candidate = Math.tanh(
        column(reading, parameters.candidateInputWeight, HIDDEN, unit) +
          column(kept, parameters.candidateStateWeight, HIDDEN, unit) +
          parameters.candidateBias[unit],
      )
      return update * value + (1 - update) * candidate
    })
  })
  return state
}

describeEncoder('a gated recurrent unit', smallArchitecture({ encoder: 'gru', hidden: HIDDEN }), reference)
