import type { FeatureTable } from '#data/features.ts'
import type { WindowEnd } from '#data/windows.ts'
import { parameterCount } from '#models/classifier/parameters.ts'
import { REGIMES } from '#models/regime.ts'
import type { Batch, ShardData } from './shards.ts'

/** What the threads of a training and its main thread share. Everything in it is plain data or lies in shared memory. */
export interface SharedMemory {
  readonly data: Omit<ShardData, 'train' | 'validation'>
  readonly tables: readonly FeatureTable[]
  /** Where windows end: `[windows, 2]` of table and row. */
  readonly train: Uint32Array
  readonly validation: Uint32Array
  readonly threads: number
  readonly control: Int32Array
  /** What the task at hand is about. */
  readonly parameters: Float32Array
  /** Windows, 0 or 1 where states are dropped; then the batch, as long as the longest that there may be. */
  readonly size: Uint32Array
  readonly indices: Uint32Array
  readonly mirrored: Uint8Array
  readonly probabilities: Float32Array
  readonly weights: Float32Array
  readonly dropout: Float32Array
  /** What comes of it: `[shards, 1 + parameters]`, loss and gradient of each. */
  readonly gradients: Float32Array
  /** `[validation windows, 3]` */
  readonly answers: Float32Array
}

/** Places in {@link SharedMemory.control}. Tickets are never given twice: there are enough for a year of batches. */
export const CONTROL = {
  /** The next ticket to be taken, each one shard of work. */
  next: 0,
  /** Tickets from here on are not there yet; threads wait for it to move. */
  end: 1,
  /** Tickets done. The main thread waits for it to reach the end. */
  done: 2,
  /** First ticket of the task at hand. */
  first: 3,
  /** One of {@link TASK}. */
  task: 4,
} as const

export const TASK = { batch: 0, validation: 1 } as const

type SharedArray = Float32Array | Float64Array | Uint32Array | Int32Array | Uint8Array

function share<T extends SharedArray>(Type: { new (buffer: SharedArrayBuffer): T; BYTES_PER_ELEMENT: number }) {
  return (length: number) => new Type(new SharedArrayBuffer(length * Type.BYTES_PER_ELEMENT))
}

const floats = share<Float32Array>(Float32Array)
const doubles = share<Float64Array>(Float64Array)
const counts = share<Uint32Array>(Uint32Array)
const bytes = share<Uint8Array>(Uint8Array)
const integers = share<Int32Array>(Int32Array)

/**
 * Puts a training's data into shared memory, with room for its batches and what comes of them.
 *
 * @param batch windows of the largest batch
 */
export function shareMemory(data: ShardData, threads: number, batch: number): SharedMemory {
  const { architecture, scaling, train, validation } = data
  const numberOf = new Map<FeatureTable, number>()
  for (const { table } of [...train, ...validation]) {
    if (!numberOf.has(table)) numberOf.set(table, numberOf.size)
  }
  const endsOf = (ends: readonly WindowEnd[]) => {
    const places = counts(ends.length * 2)
    ends.forEach(({ table, row }, i) => {
      places.set([numberOf.get(table)!, row], i * 2)
    })
    return places
  }
  const parameters = parameterCount(architecture)
  return {
    data: { architecture, scaling },
    tables: [...numberOf.keys()].map(shareTable),
    train: endsOf(train),
    validation: endsOf(validation),
    threads,
    control: integers(Object.keys(CONTROL).length),
    parameters: floats(parameters),
    size: counts(2),
    indices: counts(batch),
    mirrored: bytes(batch),
    probabilities: floats(batch * REGIMES.length),
    weights: floats(batch),
    dropout: floats(batch * architecture.hidden),
    gradients: floats(threads * (1 + parameters)),
    answers: floats(validation.length * REGIMES.length),
  }
}

function shareTable({ coin, channels, asOf, values, sigma }: FeatureTable): FeatureTable {
  const shared = {
    coin,
    channels,
    asOf: doubles(asOf.length),
    values: floats(values.length),
    sigma: doubles(sigma.length),
  }
  shared.asOf.set(asOf)
  shared.values.set(values)
  shared.sigma.set(sigma)
  return shared
}

/** The training's data as the shards take them, on the memory that is shared. */
export function sharedData({ data, tables, train, validation }: SharedMemory): ShardData {
  const endsAt = (places: Uint32Array) =>
    Array.from({ length: places.length / 2 }, (_, i) => ({ table: tables[places[i * 2]], row: places[i * 2 + 1] }))
  return { ...data, train: endsAt(train), validation: endsAt(validation) }
}

/** Writes a batch for the threads to read. */
export function putBatch(memory: SharedMemory, { indices, mirrored, targets }: Batch): void {
  memory.size.set([indices.length, targets.dropout ? 1 : 0])
  memory.indices.set(indices)
  memory.mirrored.set(mirrored)
  memory.probabilities.set(targets.probabilities)
  memory.weights.set(targets.weights)
  if (targets.dropout) memory.dropout.set(targets.dropout)
}

/** The batch at hand, as views on the memory that is shared. */
export function takeBatch(memory: SharedMemory): Batch {
  const [count, dropped] = memory.size
  return {
    indices: memory.indices.subarray(0, count),
    mirrored: memory.mirrored.subarray(0, count),
    targets: {
      probabilities: memory.probabilities.subarray(0, count * REGIMES.length),
      weights: memory.weights.subarray(0, count),
      dropout: dropped ? memory.dropout.subarray(0, count * memory.data.architecture.hidden) : undefined,
    },
  }
}

/** Loss and gradient of shard `i` of the batch at hand: a view of both, loss first. */
export function gradientOf({ gradients, parameters }: SharedMemory, i: number): Float32Array {
  return gradients.subarray(i * (1 + parameters.length), (i + 1) * (1 + parameters.length))
}
