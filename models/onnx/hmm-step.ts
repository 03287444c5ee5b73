import { LONGEST_STEP_HOURS, transitionPowers } from '../hmm/chain.ts'
import { type HmmRegimeModel, parametersOf } from '../hmm/regime-model.ts'
import { asDouble, asFloat, filterStep, observe, readRegimes, transitionPower } from './hmm-parts.ts'
import { stepGraphSignature } from './signatures.ts'
import { writeModel } from './writer.ts'

/**
 * Writes one streaming step of a fitted HMM as an ONNX graph: the filtered posterior and a knot to the next filtered
 * posterior and probabilities. The state is the posterior, `[batch, K]`; a stream begins from the stationary distribution.
 *
 * @param metadata written to `metadata_props`
 * @returns the bytes of the file
 */
export function writeHmmStep(model: HmmRegimeModel, metadata: Readonly<Record<string, string>>): Uint8Array {
  const { states: K } = model
  const { stationary, powers } = transitionPowers(parametersOf(model).transition, K)
  const signature = stepGraphSignature(model.channels.length, K)
  return writeModel({ name: 'hmm-step', ...signature, metadata }, (g) => {
    const asKnot = (name: string) => g.node('Unsqueeze', [name, g.ints(1)])
    const { scaled, observed } = observe(g, model, asKnot('features'), asKnot('mask'))
    const isFirst = g.node('Cast', ['first'], { to: 9 })
    const zero = g.scalar(0, 'float64')
    const elapsed = g.node('Where', [isFirst, zero, g.node('Cast', ['elapsed'], asDouble)])
    const transitions = g.constant(powers, [LONGEST_STEP_HOURS + 2, K, K], 'float64')
    const before = g.node('Where', [
      g.node('Unsqueeze', [isFirst, g.ints(1)]),
      g.constant(stationary, [1, K], 'float64'),
      g.node('Cast', ['state'], asDouble),
    ])
    const filtered = filterStep(g, model, {
      before,
      transition: g.node('Gather', [transitions, transitionPower(g, elapsed)], { axis: 0 }),
      observation: g.node('Squeeze', [scaled, g.ints(1)]),
      observed: g.node('Squeeze', [observed, g.ints(1)]),
    })
    g.node('Cast', [filtered], asFloat, 'state_next')
    readRegimes(g, model, filtered)
  })
}
