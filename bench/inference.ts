import { writeNeuralCdeGraph } from '#models/onnx/neural-cde-graph.ts'
import { writeNeuralCdeStep } from '#models/onnx/neural-cde-step.ts'
import { openOnnxSession } from '#models/onnx/session.ts'
import { type KnotBatch, openStepSession } from '#models/onnx/step-session.ts'
import { CHANNELS, randomCde, randomWindows } from './cases.ts'
import { type Suite, type Table, timeCases, type Work } from './suite.ts'

export const UNIT_SCALING = { channels: CHANNELS, median: CHANNELS.map(() => 0), iqr: CHANNELS.map(() => 1) }
const KNOTS = 48
const COUNTS = [1, 200]
const SIZES = [
  { hidden: 32, width: 32 },
  { hidden: 64, width: 128 },
]

const plural = (count: number, thing: string) => `${count} ${thing}${count > 1 ? 's' : ''}`

/** The newest knot of `count` streams that have been going on for a while. */
export function randomKnots(count: number, stateSize: number): KnotBatch {
  const { features, mask } = randomWindows(count, 1)
  return {
    count,
    features,
    mask,
    elapsed: new Float32Array(count).fill(1),
    first: new Float32Array(count),
    state: new Float32Array(count * stateSize).fill(0.1),
  }
}

async function tableOf(size: (typeof SIZES)[number], threads: number, seconds: number): Promise<Table> {
  const { architecture, parameters } = randomCde({ ...size, knots: KNOTS })
  const graph = await openOnnxSession(writeNeuralCdeGraph(architecture, parameters, UNIT_SCALING, {}), { threads })
  const stepping = await openStepSession(writeNeuralCdeStep(architecture, parameters, UNIT_SCALING, {}), { threads })
  const cases: Record<string, Work> = {}
  for (const count of COUNTS) {
    const windows = randomWindows(count, KNOTS)
    cases[`${plural(count, 'window')} of ${KNOTS} knots`] = async () => {
      await graph.run(windows)
    }
  }
  for (const count of COUNTS) {
    const knots = randomKnots(count, stepping.stateSize)
    cases[`streaming step of ${plural(count, 'coin')}`] = async () => {
      await stepping.step(knots)
    }
  }
  const [reference] = Object.keys(cases)
  const rows = await timeCases(cases, { seconds, divisor: 1, reference })
  await graph.dispose()
  await stepping.dispose()
  const { hidden, width } = size
  return {
    title: `ONNX inference of a neural CDE, hidden ${hidden}, width ${width}, Euler, ${plural(threads, 'thread')}`,
    unit: 'ms a call',
    rows,
  }
}

/** ONNX inference on the CPU: the time a worker needs for one coin and for a universe, whole windows and step by step. */
export const inference: Suite = async ({ seconds }) => {
  const tables: Table[] = []
  for (const size of SIZES) for (const threads of [1, 2]) tables.push(await tableOf(size, threads, seconds))
  return tables
}
