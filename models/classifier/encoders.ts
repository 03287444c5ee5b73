import { gruEncoder } from '../gru/encoder.ts'
import { linearEncoder } from '../linear-cde/encoder.ts'
import { plainEncoder } from '../neural-cde/encoder.ts'
import type { EncoderName } from './architecture.ts'
import type { Encoder } from './encoder.ts'

/** Encoders by name. */
export const encoders: Record<EncoderName, Encoder> = {
  plain: plainEncoder,
  linear: linearEncoder,
  gru: gruEncoder,
}
