import { InputError } from '#data/errors.ts'
import { type Architecture, drivingChannels, type EncoderName, pathChannels } from '../classifier/architecture.ts'
import { parameterShapes } from '../classifier/parameters.ts'
import { REGIMES } from '../regime.ts'
import { dense } from './dense.ts'
import { columnSums, pullBack } from './training-pullback.ts'
import { crossEntropy, pullbackReadOutLayer, readOutLayer } from './training-read-out.ts'
import { solve } from './training-solve.ts'
import { type Dimension, type GraphBuilder, type ValueInfo, writeModel } from './writer.ts'

/** Encoders whose backward pass is written as a graph. */
export const GRAPH_TRAINED: readonly EncoderName[] = ['plain']

/** Name of the gradient of a parameter among the graph's outputs. */
export const gradientName = (parameter: string) => `gradient_${parameter}`

const floats = (name: string, dims: readonly Dimension[]): ValueInfo => ({ name, type: 'float32', dims })

/** The parameters, each by its name and in its shape, and the control path. */
function pathInputs(architecture: Architecture): ValueInfo[] {
  const driving = drivingChannels(architecture)
  return [
    ...Object.entries(parameterShapes(architecture)).map(([name, shape]) => floats(name, shape)),
    floats('initial', ['batch', driving]),
    floats('increments', ['steps', 'batch', driving]),
    floats('final', ['batch', pathChannels(architecture)]),
  ]
}

/** The parameters are inputs: the name of each is its own. */
const parameterNames = (architecture: Architecture) =>
  Object.fromEntries(Object.keys(parameterShapes(architecture)).map((name) => [name, name]))

function throwUnlessTrained({ encoder }: Architecture): void {
  if (GRAPH_TRAINED.includes(encoder)) return
  throw new InputError(
    `the training backend "onnxruntime" computes the encoder ${GRAPH_TRAINED.join(', ')}, not "${encoder}": ` +
      'set training.backend to wasm, or to auto',
    { encoder, backend: 'onnxruntime' },
  )
}

/**
 * Writes forward and hand-written backward pass of a plain neural CDE as an ONNX graph: what `lossAndGradient` computes, from
 * a control path on.
 *
 * Inputs: the parameters by name; `initial` `[B, D]`, `increments` `[steps, B, D]` with one step at least, `final` `[B, P]`;
 * `wanted` `[B, 3]`, `weights` `[B, 1]`, and `dropout` `[B, H]` or `[1, H]`. Outputs: `loss` `[1, 1]` and the gradient of each
 * parameter, see {@link gradientName}; batch and steps are free.
 *
 * @returns the bytes of the file
 * @throws {InputError} for an encoder that has no such graph
 */
export function writeTrainingGraph(architecture: Architecture): Uint8Array {
  throwUnlessTrained(architecture)
  const shapes = parameterShapes(architecture)
  const inputs = [
    ...pathInputs(architecture),
    floats('wanted', ['batch', REGIMES.length]),
    floats('weights', ['batch', 1]),
    floats('dropout', ['kept', architecture.hidden]),
  ]
  const outputs = [floats('loss', [1, 1])]
  for (const [name, shape] of Object.entries(shapes)) outputs.push(floats(gradientName(name), shape))
  return writeModel({ name: 'neural-cde-training', inputs, outputs, metadata: {} }, (g) => {
    const parameters = parameterNames(architecture)
    const { state, tapes } = solve(g, architecture, parameters, { ...start(g), taped: true })
    const kept = g.node('Mul', [state, 'dropout'])
    const read = readOutLayer(g, architecture, parameters, { state: kept, final: 'final' })
    const { loss, cotangent } = crossEntropy(g, read.logits, { wanted: 'wanted', weights: 'weights' })
    g.node('Identity', [loss], {}, 'loss')

    const pulled = pullbackReadOutLayer(g, architecture, parameters, read, cotangent)
    const atState = g.node('Mul', [pulled.state, 'dropout'])
    const back = pullBack(g, architecture, parameters, { cotangent: atState, increments: 'increments', tapes })
    const gradients: Record<string, string> = {
      ...pulled.gradients,
      ...back.gradients,
      initialWeight: g.node('Gemm', ['initial', back.start], { transA: 1 }),
      initialBias: columnSums(g, back.start),
    }
    for (const [name, shape] of Object.entries(shapes)) {
      g.node('Reshape', [gradients[name], g.ints(...shape)], {}, gradientName(name))
    }
  })
}

/**
 * Writes the forward pass alone, without tapes or dropout. Inputs: the parameters and the control path, as in
 * {@link writeTrainingGraph}. Output: `probabilities` `[B, 3]`.
 *
 * @returns the bytes of the file
 * @throws {InputError} for an encoder that has no such graph
 */
export function writeValidationGraph(architecture: Architecture): Uint8Array {
  throwUnlessTrained(architecture)
  const outputs = [floats('probabilities', ['batch', REGIMES.length])]
  const description = { name: 'neural-cde-validation', inputs: pathInputs(architecture), outputs, metadata: {} }
  return writeModel(description, (g) => {
    const parameters = parameterNames(architecture)
    const { state } = solve(g, architecture, parameters, { ...start(g), taped: false })
    const { logits } = readOutLayer(g, architecture, parameters, { state, final: 'final' })
    g.node('Softmax', [logits], { axis: 1 }, 'probabilities')
  })
}

/** h(0) = X(0) W + b, and the increments. */
function start(g: GraphBuilder): { start: string; increments: string } {
  return { start: dense(g, 'initial', 'initialWeight', 'initialBias'), increments: 'increments' }
}
