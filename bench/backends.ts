import { isSoftwareRenderer, probeAdapter } from '#models/backend.ts'
import { lossAndGradient, regimeProbabilities } from '#models/classifier/classifier.ts'
import { randomCde, randomPath, uniformTargets } from './cases.ts'
import { type BenchOptions, compareWith, type Suite, timeCases } from './suite.ts'

/** The size that the promises speak of, and batches of it; the first is the reference. */
const SIZE = { hidden: 64, width: 128, knots: 48 }
const BATCHES = { graphicsCard: [256, 1024, 4096, 8192], processor: [256, 1024] }
/** What a renderer in software can do in the same time. */
const SMALL_SIZE = { hidden: 8, width: 8, knots: 4 }
const SMALL_BATCHES = [16, 64]

/** Windows a second of one backend, by the size of the batch: `npm run bench -- --backend webgpu backends`. */
export const backends: Suite = async (options) => {
  const { device, software } = await deviceOf(options)
  const size = software ? SMALL_SIZE : SIZE
  const batches = software ? SMALL_BATCHES : BATCHES[options.backend === 'wasm' ? 'processor' : 'graphicsCard']
  const { architecture, parameters } = randomCde(size)
  const passes: Record<string, Record<string, { median: number }>> = {
    'forward and backward pass': {},
    'forward pass': {},
  }
  for (const batch of batches) {
    const path = randomPath(architecture, batch)
    const targets = uniformTargets(batch)
    const name = `${batch} windows`
    const timing = { seconds: options.seconds, divisor: batch, reference: name }
    const [both] = await timeCases(
      { [name]: async () => void (await lossAndGradient(architecture, parameters, path, targets)) },
      timing,
    )
    const [forward] = await timeCases(
      { [name]: async () => void (await regimeProbabilities(architecture, parameters, path)) },
      timing,
    )
    passes['forward and backward pass'][name] = { median: 1000 / both.median }
    passes['forward pass'][name] = { median: 1000 / forward.median }
  }
  const { hidden, width, knots } = size
  const remarks = [
    device,
    ...(software ? ['a renderer in software: a small case, which says nothing about a graphics card'] : []),
  ]
  return Object.entries(passes).map(([pass, values]) => ({
    title: `${options.backend}, ${pass}, ${knots} knots, 7 channels, hidden ${hidden}, width ${width}`,
    unit: 'windows a second',
    // More is better here: the ratio is how many times as many windows as with the first batch.
    rows: compareWith(`${batches[0]} windows`, values).map((row) => ({ ...row, ratio: 1 / row.ratio })),
    remarks,
  }))
}

/** What the backend runs on, and whether that is a renderer in software. */
async function deviceOf({ backend }: BenchOptions): Promise<{ device: string; software: boolean }> {
  if (backend !== 'webgpu') return { device: backend, software: false }
  const adapter = await probeAdapter()
  const { vendor, architecture, description, device } = adapter
  const words = [vendor, architecture, description, device].filter((part) => part !== '').join(', ')
  return { device: words, software: isSoftwareRenderer(adapter) }
}
