import { createRandom } from '#data/random.ts'
import type { Architecture, EncoderName } from '#models/classifier/architecture.ts'
import { lossAndGradient, regimeProbabilities } from '#models/classifier/classifier.ts'
import { initialiseParameters, type ParameterVector } from '#models/classifier/parameters.ts'
import { createLinearCdeStream } from '#models/linear-cde/streaming.ts'
import { writeNeuralCdeGraph } from '#models/onnx/neural-cde-graph.ts'
import { writeNeuralCdeStep } from '#models/onnx/neural-cde-step.ts'
import { openOnnxSession } from '#models/onnx/session.ts'
import { openStepSession } from '#models/onnx/step-session.ts'
import { randomCde, randomPath, randomWindows } from './cases.ts'
import { randomKnots, UNIT_SCALING } from './inference.ts'
import { type BenchOptions, type Suite, type Table, timeCases, type Work } from './suite.ts'

const BATCH = 256

/** The size that the design speaks of, and the size that is trained. */
const SIZES = [
  { hidden: 64, width: 128, knots: 48 },
  { hidden: 32, width: 32, knots: 24 },
]

const ENCODERS = {
  plain: 'plain vector field, one stage',
  linear: 'linear vector field, blocks of 2',
  gru: 'gated recurrent unit',
} as const satisfies Record<EncoderName, string>

const COINS = 200

type Size = (typeof SIZES)[number]

/** What turns control paths into hidden states, side by side: the linear field is to cost a fifth of the plain one. */
export const linear: Suite = async (options) => {
  const tables: Table[] = []
  for (const size of SIZES) {
    tables.push(await gradients(size, options), await forwardPasses(size, options), await inference(size, options))
  }
  return tables
}

function describe(what: string, { hidden, width, knots }: Size): string {
  return `${what}, ${knots} knots, 7 channels, hidden ${hidden}, width ${width}`
}

function casesOf(size: Size) {
  const plain = randomCde(size).architecture
  const path = randomPath(plain, BATCH)
  return Object.entries(ENCODERS).map(([encoder, name]) => {
    const architecture = { ...plain, encoder: encoder as EncoderName }
    return { name, architecture, path, parameters: initialiseParameters(architecture, createRandom(1)) }
  })
}

async function gradients(size: Size, { seconds }: BenchOptions): Promise<Table> {
  const targets = {
    probabilities: new Float32Array(BATCH * 3).fill(1 / 3),
    weights: new Float32Array(BATCH).fill(1 / BATCH),
  }
  const cases: Record<string, Work> = {}
  for (const { name, architecture, path, parameters } of casesOf(size)) {
    cases[name] = async () => {
      await lossAndGradient(architecture, parameters, path, targets)
    }
  }
  const rows = await timeCases(cases, { seconds, divisor: BATCH, reference: ENCODERS.plain })
  return { title: describe(`forward and backward pass, ${BATCH} windows`, size), unit: 'ms a window', rows }
}

async function forwardPasses(size: Size, { seconds }: BenchOptions): Promise<Table> {
  const cases: Record<string, Work> = {}
  for (const { name, architecture, path, parameters } of casesOf(size)) {
    cases[name] = async () => {
      await regimeProbabilities(architecture, parameters, path)
    }
  }
  const rows = await timeCases(cases, { seconds, divisor: BATCH, reference: ENCODERS.plain })
  return { title: describe(`forward pass, ${BATCH} windows`, size), unit: 'ms a window', rows }
}

/** What a worker does with the two vector fields: ONNX on one thread, and the linear field's step without a runtime. */
async function inference(size: Size, { seconds }: BenchOptions): Promise<Table> {
  const cases: Record<string, Work> = {}
  const opened: { dispose(): Promise<void> }[] = []
  for (const { architecture, parameters } of casesOf(size)) {
    const { encoder } = architecture
    if (encoder === 'gru') continue
    const graph = await openOnnxSession(writeNeuralCdeGraph(architecture, parameters, UNIT_SCALING, {}), { threads: 1 })
    const step = await openStepSession(writeNeuralCdeStep(architecture, parameters, UNIT_SCALING, {}), { threads: 1 })
    opened.push(graph, step)
    for (const count of [1, COINS]) {
      const windows = randomWindows(count, size.knots)
      cases[`${encoder}, ${count} windows`] = async () => {
        await graph.run(windows)
      }
    }
    const knots = randomKnots(COINS, step.stateSize)
    cases[`${encoder}, a knot of ${COINS} streams`] = async () => {
      await step.step(knots)
    }
    if (encoder === 'linear') cases[`${encoder}, the same in plain TypeScript`] = streams(architecture, parameters)
  }
  const rows = await timeCases(cases, { seconds, divisor: 1, reference: `plain, ${COINS} windows` })
  for (const session of opened) await session.dispose()
  return { title: describe('inference, one thread', size), unit: 'ms a call', rows }
}

function streams(architecture: Architecture, parameters: ParameterVector): Work {
  const stream = createLinearCdeStream(architecture, parameters, UNIT_SCALING)
  const { features, mask } = randomKnots(1, stream.stateSize)
  const { state } = stream.step(undefined, { features, mask, elapsed: 0 })
  return async () => {
    for (let coin = 0; coin < COINS; coin++) stream.step(state, { features, mask, elapsed: 1 })
  }
}
