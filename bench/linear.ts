import { createRandom } from '#data/random.ts'
import type { EncoderName } from '#models/classifier/architecture.ts'
import { lossAndGradient, regimeProbabilities } from '#models/classifier/classifier.ts'
import { initialiseParameters } from '#models/classifier/parameters.ts'
import { randomCde, randomPath } from './cases.ts'
import { type BenchOptions, type Suite, type Table, timeCases } from './suite.ts'

const BATCH = 256

/** The size that the design speaks of, and the size that is trained. */
const SIZES = [
  { hidden: 64, width: 128, knots: 48 },
  { hidden: 32, width: 32, knots: 24 },
]

const ENCODERS = {
  plain: 'plain vector field, one stage',
  linear: 'linear vector field, blocks of 4',
  gru: 'gated recurrent unit',
} as const satisfies Record<EncoderName, string>

/** What turns control paths into hidden states, side by side: the linear field is to cost a fifth of the plain one. */
export const linear: Suite = async (options) => {
  const tables: Table[] = []
  for (const size of SIZES) tables.push(await gradients(size, options), await forwardPasses(size, options))
  return tables
}

function describe(what: string, { hidden, width, knots }: (typeof SIZES)[number]): string {
  return `${what}, ${BATCH} windows, ${knots} knots, 7 channels, hidden ${hidden}, width ${width}`
}

function casesOf(size: (typeof SIZES)[number]) {
  const plain = randomCde(size).architecture
  const path = randomPath(plain, BATCH)
  return Object.entries(ENCODERS).map(([encoder, name]) => {
    const architecture = { ...plain, encoder: encoder as EncoderName }
    return { name, architecture, path, parameters: initialiseParameters(architecture, createRandom(1)) }
  })
}

async function gradients(size: (typeof SIZES)[number], { seconds }: BenchOptions): Promise<Table> {
  const targets = {
    probabilities: new Float32Array(BATCH * 3).fill(1 / 3),
    weights: new Float32Array(BATCH).fill(1 / BATCH),
  }
  const cases = casesOf(size).map(({ name, architecture, path, parameters }) => [
    name,
    async () => {
      await lossAndGradient(architecture, parameters, path, targets)
    },
  ])
  const rows = await timeCases(Object.fromEntries(cases), { seconds, divisor: BATCH, reference: ENCODERS.plain })
  return { title: describe('forward and backward pass', size), unit: 'ms a window', rows }
}

async function forwardPasses(size: (typeof SIZES)[number], { seconds }: BenchOptions): Promise<Table> {
  const cases = casesOf(size).map(({ name, architecture, path, parameters }) => [
    name,
    async () => {
      await regimeProbabilities(architecture, parameters, path)
    },
  ])
  const rows = await timeCases(Object.fromEntries(cases), { seconds, divisor: BATCH, reference: ENCODERS.plain })
  return { title: describe('forward pass', size), unit: 'ms a window', rows }
}
