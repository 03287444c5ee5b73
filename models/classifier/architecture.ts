import { z } from 'zod'

/** What turns a control path into a hidden state: the two vector fields of a neural CDE, and the GRU they are held against. */
export const ENCODERS = ['plain', 'linear', 'gru'] as const
export type EncoderName = (typeof ENCODERS)[number]

/** What a neural CDE is made of; stored in its checkpoint. */
export const CdeConfiguration = z
  .object({
    /** Vector field: a network (`plain`), or linear in h and block-diagonal (`linear`). */
    encoder: z.enum(['plain', 'linear']).default('plain').describe('vector field of the neural CDE'),
    /** Size of the hidden state h. */
    hidden: z.int().min(1).max(512).default(16),
    /** Width of the plain vector field's inner layer. */
    width: z.int().min(1).max(1024).default(16),
    /** Size of a block of the linear vector field; divides `hidden`. */
    block: z.int().min(1).max(64).default(2),
    /** Width of the read-out layer. */
    readout: z.int().min(1).max(512).default(32),
    /** Fixed-step solver of the plain vector field, stepping on the knots. */
    solver: z.enum(['euler', 'heun']).default('heun'),
    /** Scaled features are clipped to this many interquartile ranges. */
    clip: z.number().positive().default(8),
  })
  .refine(({ encoder, hidden, block }) => encoder !== 'linear' || hidden % block === 0, {
    path: ['block'],
    error: 'must divide "hidden" where the encoder is "linear": blocks of one size fill the hidden state',
  })
export type CdeConfiguration = z.infer<typeof CdeConfiguration>

/** Everything but the weights that is needed to run a classifier of control paths on windows. */
export interface Architecture extends Omit<CdeConfiguration, 'encoder'> {
  readonly encoder: EncoderName
  /** Feature channels of a window, in order. */
  readonly channels: readonly string[]
  /** Those of them that were ever missing in training: each gets an observation-count channel. */
  readonly counted: readonly string[]
  /** Those of them that do not drive the path and that only the read-out sees, at the last knot; the last of `channels`. */
  readonly context: readonly string[]
  /** Knots of a training window. */
  readonly knots: number
}

/** Feature channels that drive the path: all that are no context. */
export function drivers({ channels, context }: Architecture): number {
  return channels.length - context.length
}

/** Channels that a path is driven by: time, the features that are no context, the observation counts. */
export function drivingChannels(architecture: Architecture): number {
  return 1 + drivers(architecture) + architecture.counted.length
}

/** Channels of the control path, X: time, the features, context among them, and the observation counts. */
export function pathChannels(architecture: Architecture): number {
  return 1 + architecture.channels.length + architecture.counted.length
}

/** Channel whose sign at the last knot is the direction that trend goes with and reversal against. */
const DIRECTION_CHANNEL = 'return12'

/** Index of the direction on the control path; -1 where the model does not see it. */
export function directionChannel(architecture: Architecture): number {
  const channel = architecture.channels.indexOf(DIRECTION_CHANNEL)
  return channel < 0 ? -1 : 1 + channel
}

/** Hours by which time on the control path is divided: those of a window without gaps. */
export function windowHours(architecture: Architecture): number {
  return Math.max(1, architecture.knots - 1)
}

/** What one observation adds to its count on the control path. */
export function countUnit(architecture: Architecture): number {
  return 1 / architecture.knots
}

/** What the running sum of returns is multiplied by: a random walk over a window then ends near 1. */
export function summedUnit(architecture: Architecture): number {
  return 1 / Math.sqrt(architecture.knots)
}
