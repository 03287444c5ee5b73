import { FEATURES } from '#data/features.ts'
import { createRandom } from '#data/random.ts'
import type { Windows } from '#data/windows.ts'
import { CdeConfiguration } from '#models/classifier/architecture.ts'
import { initialiseParameters } from '#models/classifier/parameters.ts'
import { writeNeuralCdeGraph } from '#models/onnx/neural-cde-graph.ts'
import { openOnnxSession } from '#models/onnx/session.ts'
import { ONNX_FILE, openRegistry } from '#models/registry.ts'
import { encodeSelfCheck, SELF_CHECK_FILE } from '#models/self-check.ts'

/** Knots of a window of a model that is trained with the defaults. */
export const KNOTS = 24

/**
 * Makes a neural CDE of the size and solver that the defaults train, with random weights, the champion of the registry
 * in `directory`: what it says is nonsense, how long it takes is not.
 */
export async function saveChampion(directory: string): Promise<void> {
  const context = FEATURES.slice(FEATURES.indexOf('return24'))
  const configuration = CdeConfiguration.parse({ solver: 'euler' })
  const architecture = { ...configuration, channels: FEATURES, counted: [], context, knots: KNOTS }
  const scaling = { channels: [...FEATURES], median: FEATURES.map(() => 0), iqr: FEATURES.map(() => 1) }
  const graph = writeNeuralCdeGraph(architecture, initialiseParameters(architecture, createRandom(1)), scaling, {})
  const windows = normalWindows(16)
  const session = await openOnnxSession(graph, { threads: 1 })
  const expected = await session.run(windows)
  await session.dispose()

  const now = Date.now()
  const registry = openRegistry(directory)
  const card = await registry.save({
    content: {
      kind: 'cde',
      channels: [...FEATURES],
      knots: KNOTS,
      label: { w: 12, kappa: 1.05 },
      scaling,
      seed: 1,
      configuration,
      data: { hash: 'none', origin: 'bench', coins: ['BTC'], range: { from: 0, to: 1 } },
      metrics: {},
      parity: { maxAbsDiff: 0, windows: windows.count },
      millrace: '0.1.0',
    },
    files: { [ONNX_FILE]: graph, [SELF_CHECK_FILE]: encodeSelfCheck(windows, expected) },
    now,
  })
  await registry.promote('cde', card.id, 'champion', 'bench', now)
}

function normalWindows(count: number): Windows {
  const random = createRandom(3)
  const size = count * KNOTS * FEATURES.length
  return {
    count,
    knots: KNOTS,
    channels: FEATURES,
    features: Float32Array.from({ length: size }, () => random.normal()),
    mask: new Float32Array(size).fill(1),
    hours: Float32Array.from({ length: count * KNOTS }, (_, i) => i % KNOTS),
    coin: Array.from({ length: count }, (_, i) => `C${i}`),
    asOf: new Float64Array(count),
  }
}
