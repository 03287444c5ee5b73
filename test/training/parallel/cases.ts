import { computeFeatures } from '#data/features.ts'
import { createRandom } from '#data/random.ts'
import { windowRows } from '#data/windows.ts'
import type { EncoderName } from '#models/classifier/architecture.ts'
import { CdeConfiguration } from '#models/classifier/architecture.ts'
import { fitScaling } from '#models/scaling.ts'
import { columnsOf, type Samples } from '#training/dataset.ts'
import type { ClassifierFitInput } from '#training/fit-classifier.ts'
import { CdeTrainingOptions } from '#training/options.ts'
import { randomBars } from '../../markets.ts'

const CHANNELS = ['return', 'return12', 'volatility']
const KNOTS = 8

/** Windows of one random market, labelled by the size and the sign of their 12 h return. */
function samplesOf(seed: number): { samples: Samples; scaling: ReturnType<typeof fitScaling> } {
  const table = computeFeatures(randomBars(seed, 700))
  const rows = Array.from(windowRows(table, KNOTS))
  const label = (row: number) => {
    const move = table.values[row * table.channels.length + 1]
    return Math.abs(move) < 0.6 ? 0 : move > 0 ? 1 : 2
  }
  return {
    samples: { ends: rows.map((row) => ({ table, row })), labels: Uint8Array.from(rows, label) },
    scaling: fitScaling(CHANNELS, [columnsOf(table, 180, 700, CHANNELS)]),
  }
}

/** A small fit on two markets: about 500 windows in batches of 150, with all that is drawn at random. */
export function smallFit(
  options: Partial<CdeTrainingOptions> = {},
  encoder: EncoderName = 'plain',
): Omit<ClassifierFitInput, 'gradients'> {
  const { samples, scaling } = samplesOf(1)
  return {
    architecture: {
      ...CdeConfiguration.parse({ hidden: 8, width: 8, readout: 8, solver: 'euler' }),
      encoder,
      channels: CHANNELS,
      counted: [],
      context: [],
      knots: KNOTS,
    },
    scaling,
    train: samples,
    validation: samplesOf(2).samples,
    options: CdeTrainingOptions.parse({ epochs: 4, batch: 150, learningRate: 0.01, averaging: 0.9, ...options }),
    random: createRandom(1),
    clock: () => 0,
  }
}
