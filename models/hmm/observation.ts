import { z } from 'zod'
import { InputError } from '#data/errors.ts'

/**
 * What the states emit, made from the raw feature channels.
 *
 * - `level`: the channel itself.
 * - `magnitude`: sqrt(|x|). A market chops, trends and reverses the same way up and down; with the sign left in, states
 *   are spent on telling up from down. The root brings the skewed |x| nearer to a Gaussian.
 * - `along`: x times the sign of channel `direction`: whether `channel` goes on with the move or against it.
 */
export const Observation = z.discriminatedUnion('form', [
  z.object({ form: z.literal('level'), channel: z.string() }),
  z.object({ form: z.literal('magnitude'), channel: z.string() }),
  z.object({ form: z.literal('along'), channel: z.string(), direction: z.string() }),
])
export type Observation = z.infer<typeof Observation>

/**
 * The observations that did best on validation data (35 coins pooled, 2024-09 to 2025-03): levels such as volatility,
 * volume and funding have far clearer clusters than the moves that the labels speak of, and take all the states.
 */
const PREFERRED: readonly Observation[] = [
  { form: 'magnitude', channel: 'return12' },
  { form: 'along', channel: 'return', direction: 'return12' },
]

/** {@link PREFERRED} where the channels for it are there; otherwise every channel as a level. */
export function defaultObservations(channels: readonly string[]): Observation[] {
  const possible = PREFERRED.every((observation) => channelsOf(observation).every((name) => channels.includes(name)))
  return possible ? [...PREFERRED] : channels.map((channel) => ({ form: 'level', channel }))
}

/** Channels that an observation is made from. */
export function channelsOf(observation: Observation): string[] {
  return observation.form === 'along' ? [observation.channel, observation.direction] : [observation.channel]
}

/** Name of an observation, for scaling and reports. */
export function observationName(observation: Observation): string {
  if (observation.form === 'level') return observation.channel
  if (observation.form === 'magnitude') return `|${observation.channel}|`
  return `${observation.channel} along ${observation.direction}`
}

/** Columns of the channels of `observation` in a row of `channels`. */
export function observationColumns(observation: Observation, channels: readonly string[]): number[] {
  return channelsOf(observation).map((name) => {
    const column = channels.indexOf(name)
    if (column < 0) throw new InputError(`the hidden Markov model observes "${name}", the channels are ${channels}`)
    return column
  })
}

/** Turns rows of raw features `[rows, C]` into observations `[rows, D]`, written to `out`; `NaN` stays missing. */
export type Observer = (values: ArrayLike<number>, rows: number, out: Float64Array) => void

/**
 * Prepares the observations of rows with these channels.
 *
 * @throws {InputError} for an observation of a channel that is not there
 */
export function createObserver(channels: readonly string[], observations: readonly Observation[]): Observer {
  const C = channels.length
  const D = observations.length
  const columns = observations.map((observation) => observationColumns(observation, channels))
  return (values, rows, out) => {
    for (let d = 0; d < D; d++) {
      const { form } = observations[d]
      const [column, direction] = columns[d]
      for (let row = 0; row < rows; row++) {
        const x = values[row * C + column]
        if (form === 'level') out[row * D + d] = x
        else if (form === 'magnitude') out[row * D + d] = Math.sqrt(Math.abs(x))
        else out[row * D + d] = x * Math.sign(values[row * C + direction])
      }
    }
  }
}
