import { writeNeuralCdeGraph } from '#models/onnx/neural-cde-graph.ts'
import { openOnnxSession } from '#models/onnx/session.ts'
import { CHANNELS, randomCde, randomWindows } from './cases.ts'
import type { Suite } from './suite.ts'

const UNIT_SCALING = { channels: CHANNELS, median: CHANNELS.map(() => 0), iqr: CHANNELS.map(() => 1) }

/** ONNX inference on the CPU, one thread: the time a worker needs for one coin and for a universe. */
export const inference: Suite = {
  name: 'ONNX inference of a neural CDE, hidden 32, width 32, one thread',
  unit: 'ms a call',
  divisor: 1,
  reference: '1 window, 24 knots',
  async cases() {
    const cases: Record<string, () => Promise<void>> = {}
    for (const [count, knots] of [
      [1, 24],
      [200, 24],
      [1, 48],
      [200, 48],
    ]) {
      const { architecture, parameters } = randomCde({ hidden: 32, width: 32, knots })
      const session = await openOnnxSession(writeNeuralCdeGraph(architecture, parameters, UNIT_SCALING, {}), {
        threads: 1,
      })
      const windows = randomWindows(count, knots)
      cases[`${count} window${count > 1 ? 's' : ''}, ${knots} knots`] = async () => {
        await session.run(windows)
      }
    }
    return cases
  },
}
