import { readFileSync, writeFileSync } from 'node:fs'
import { createRandom } from '#data/random.ts'
import { type Architecture, pathChannels } from '#models/classifier/architecture.ts'
import type { ControlPath } from '#models/classifier/control-path.ts'
import { randomCde, randomPath } from '../cases.ts'

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
  const { steps, channels, initial, increments } = randomPath(architecture, settings.windows)
  // Small steps: what a real path's are like, and h stays where a float32 tells solutions apart.
  const rows = increments.map((value) => value * 0.2)
  const final = initial.slice()
  for (let n = 0; n < settings.windows; n++) {
    for (let i = 0; i < steps * channels; i++) final[n * channels + (i % channels)] += rows[n * steps * channels + i]
  }
  const labels = Float32Array.from({ length: settings.windows }, () => random.integer(3))
  const numbers: PeerNumbers = { parameters, initial, increments: rows, final, labels }
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

/** Windows `from` to `to` as one batch of control paths, laid out knot by knot. */
export function batchOf(
  { architecture, numbers }: ReturnType<typeof readPeerCase>,
  from: number,
  to: number,
): ControlPath {
  const count = to - from
  const channels = pathChannels(architecture)
  const steps = architecture.knots - 1
  const increments = new Float32Array(steps * count * channels)
  for (let n = 0; n < count; n++) {
    for (let step = 0; step < steps; step++) {
      const source = ((from + n) * steps + step) * channels
      increments.set(numbers.increments.subarray(source, source + channels), (step * count + n) * channels)
    }
  }
  const rows = (values: Float32Array) => values.slice(from * channels, to * channels)
  return { count, steps, channels, initial: rows(numbers.initial), increments, final: rows(numbers.final) }
}
