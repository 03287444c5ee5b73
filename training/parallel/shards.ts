import type { WindowEnd } from '#data/windows.ts'
import { buildWindows } from '#data/windows.ts'
import type { Architecture } from '#models/classifier/architecture.ts'
import type { Targets } from '#models/classifier/classifier.ts'
import { controlPath } from '#models/classifier/control-path.ts'
import type { Engine } from '#models/classifier/engine.ts'
import type { ParameterVector } from '#models/classifier/parameters.ts'
import { REGIMES } from '#models/regime.ts'
import type { Scaling } from '#models/scaling.ts'
import { mirrorReturns } from '../batch.ts'

/** What all losses and gradients of a training are computed from: handed over once. */
export interface ShardData {
  readonly architecture: Architecture
  readonly scaling: Scaling
  /** Where the windows end that are learned from, and those that choose the epoch. */
  readonly train: readonly WindowEnd[]
  readonly validation: readonly WindowEnd[]
}

/** One batch: which windows, and all that was drawn for them, so that whoever computes it draws nothing. */
export interface Batch {
  /** Positions in {@link ShardData.train}, `[count]`. */
  readonly indices: Uint32Array
  /** 1 where the returns of a window are negated, `[count]`. */
  readonly mirrored: Uint8Array
  /** Weights add up to 1 over the batch: the losses of its shards add up to the loss of the batch. */
  readonly targets: Targets
}

/** Windows of a half-open range. */
export interface Shard {
  readonly from: number
  readonly to: number
}

/** Windows of the validation fold that one forward pass takes. */
const FORWARD_WINDOWS = 512

/**
 * Cuts a batch into shards as equal as can be, one a thread: fewer windows at a time cost more each (256 of them in four
 * shards a tenth more than in one piece, of a small model a third more).
 */
export function shardsOf(windows: number, threads: number): Shard[] {
  const shards = Math.min(threads, windows)
  return Array.from({ length: shards }, (_, i) => ({
    from: Math.floor((i * windows) / shards),
    to: Math.floor(((i + 1) * windows) / shards),
  }))
}

/** The validation fold in parts of one forward pass each, for whichever thread is free. */
export function forwardShards(windows: number): Shard[] {
  return Array.from({ length: Math.ceil(windows / FORWARD_WINDOWS) }, (_, i) => ({
    from: i * FORWARD_WINDOWS,
    to: Math.min(windows, (i + 1) * FORWARD_WINDOWS),
  }))
}

/** What a shard of `batch` adds to the loss and to the gradient. */
export async function shardGradient(
  engine: Engine,
  data: ShardData,
  parameters: ParameterVector,
  batch: Batch,
  { from, to }: Shard,
): Promise<{ loss: number; gradient: Float32Array }> {
  const { architecture, scaling } = data
  const { probabilities, weights, dropout } = batch.targets
  const ends = Array.from(batch.indices.subarray(from, to), (i) => data.train[i])
  const windows = buildWindows(ends, architecture.knots, architecture.channels)
  mirrorReturns(windows, batch.mirrored.subarray(from, to))
  return engine.lossAndGradient(parameters, controlPath(windows, architecture, scaling), {
    probabilities: probabilities.subarray(from * REGIMES.length, to * REGIMES.length),
    weights: weights.subarray(from, to),
    dropout: dropout?.subarray(from * architecture.hidden, to * architecture.hidden),
  })
}

/** Regime probabilities of a shard of the validation fold, `[to - from, 3]`. */
export async function shardProbabilities(
  engine: Engine,
  { architecture, scaling, validation }: ShardData,
  parameters: ParameterVector,
  { from, to }: Shard,
): Promise<Float32Array> {
  const windows = buildWindows(validation.slice(from, to), architecture.knots, architecture.channels)
  return engine.regimeProbabilities(parameters, controlPath(windows, architecture, scaling))
}

/**
 * Adds up what the shards of a batch gave, in their order, in double precision.
 *
 * @param length length of the gradient
 */
export function addShards(shards: readonly { loss: number; gradient: Float32Array }[], length: number) {
  const sum = new Float64Array(length)
  let loss = 0
  for (const shard of shards) {
    loss += shard.loss
    for (let i = 0; i < length; i++) sum[i] += shard.gradient[i]
  }
  return { loss, gradient: Float32Array.from(sum) }
}
