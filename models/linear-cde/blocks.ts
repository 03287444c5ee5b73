import { InputError } from '#data/errors.ts'
import type { Architecture } from '../classifier/architecture.ts'

/**
 * Largest size of a hidden unit: a step that would lead beyond it ends there. Nothing bounds a product of I + A(dX): a
 * stretch of extreme increments could grow h until it is no number any more, and a stream would stay ruined for good.
 * States of real windows stay a long way inside, where the field is linear and nothing else.
 */
export const STATE_LIMIT = 100

/**
 * How many diagonal blocks A has.
 *
 * @throws {InputError} where blocks of `architecture.block` units do not fill h
 */
export function blockCount({ hidden, block }: Architecture): number {
  if (hidden % block === 0) return hidden / block
  const message = `blocks of ${block} do not fill a hidden state of ${hidden}: choose a size that divides it`
  throw new InputError(message, { hidden, block })
}
