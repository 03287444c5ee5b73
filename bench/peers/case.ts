import { readFileSync, writeFileSync } from 'node:fs'
import { createRandom } from '#data/random.ts'
import { buildWindows } from '#data/windows.ts'
import type { Architecture } from '#models/classifier/architecture.ts'
import { controlPath } from '#models/classifier/control-path.ts'
import type { ShardData } from '#training/parallel/shards.ts'
import { randomCde, randomTraining } from '../cases.ts'

/** What all peers train: the same architecture, first weights, windows, labels and batches. */
export interface PeerCase {
  readonly architecture: Architecture
  readonly windows: number
  readonly batch: number
  /** Epochs that are timed, after one that is not. */
  readonly epochs: number
  readonly learningRate: number
  readonly weightDecay: number
}

/** The windows of a case, which the paths in its file are made of. Small values: h stays where a float32 tells solutions apart. */
export function peerData({ architecture, windows }: Pick<PeerCase, 'architecture' | 'windows'>): ShardData {
  return randomTraining(architecture, windows, 0.2)
}

/** The numbers of a case: in a file one after the other, float32. */
export interface PeerNumbers {
  readonly parameters: Float32Array
  /** X(0), `[windows, P]`. */
  readonly initial: Float32Array
  /** `[windows, steps, P]` */
  readonly increments: Float32Array
  /** X(T), `[windows, P]`. */
  readonly final: Float32Array
  /** Class of each window. */
  readonly labels: Float32Array
}

const ORDER = ['parameters', 'initial', 'increments', 'final', 'labels'] as const

/** Writes `<stem>.json` with the case and the lengths of the numbers, and `<stem>.f32` with the numbers. */
export function writePeerCase(
  stem: string,
  size: { hidden: number; width: number; knots: number },
  settings: Omit<PeerCase, 'architecture'>,
): void {
  const { architecture, parameters } = randomCde(size)
  const random = createRandom(7)
  const { train, scaling } = peerData({ architecture, windows: settings.windows })
  const path = controlPath(buildWindows(train, architecture.knots, architecture.channels), architecture, scaling)
  const { count, steps, channels, initial, final } = path
  // The programs in Python read window after window.
  const increments = new Float32Array(path.increments.length)
  for (let n = 0; n < count; n++) {
    for (let step = 0; step < steps; step++) {
      const source = (step * count + n) * channels
      increments.set(path.increments.subarray(source, source + channels), (n * steps + step) * channels)
    }
  }
  const labels = Float32Array.from({ length: count }, () => random.integer(3))
  const numbers: PeerNumbers = { parameters, initial, increments, final, labels }
  const lengths = Object.fromEntries(ORDER.map((name) => [name, numbers[name].length]))
  writeFileSync(`${stem}.json`, JSON.stringify({ ...settings, architecture, lengths }))
  writeFileSync(`${stem}.f32`, Buffer.concat(ORDER.map((name) => Buffer.from(numbers[name].buffer))))
}

/** Reads what {@link writePeerCase} wrote. */
export function readPeerCase(stem: string): PeerCase & { numbers: PeerNumbers } {
  const described = JSON.parse(readFileSync(`${stem}.json`, 'utf8'))
  const bytes = readFileSync(`${stem}.f32`)
  const all = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))
  let start = 0
  const parts = ORDER.map((name) => {
    start += described.lengths[name]
    return [name, all.slice(start - described.lengths[name], start)]
  })
  return { ...described, numbers: Object.fromEntries(parts) }
}
