import { ModelError } from '#data/errors.ts'
import type { Architecture, EncoderName } from '../classifier/architecture.ts'
import { advanceLinear } from './linear-field.ts'
import { advancePlain } from './plain-field.ts'
import type { GraphBuilder } from './writer.ts'

/** Writes one step of h along dX; see {@link advanceState}. */
type FieldStep = typeof advancePlain

/** How a graph moves h from knot to knot, by encoder; everything else of a neural CDE's graphs is the same for all. */
const FIELD_STEPS: Partial<Record<EncoderName, FieldStep>> = { plain: advancePlain, linear: advanceLinear }

/**
 * One step of the hidden state along an increment of the control path, by the architecture's vector field.
 *
 * @param parameters names of the weights in the graph
 * @param step names of h before, `[batch, H]`, and dX, `[batch, P]`
 * @returns name of h after, `[batch, H]`
 * @throws {ModelError} for an encoder that is no vector field
 */
export function advanceState(
  g: GraphBuilder,
  architecture: Architecture,
  parameters: Readonly<Record<string, string>>,
  step: { state: string; increment: string },
): string {
  const { encoder } = architecture
  const advance = FIELD_STEPS[encoder]
  if (!advance)
    throw new ModelError(`there is no ONNX graph for the encoder "${encoder}": it cannot serve`, { encoder })
  return advance(g, architecture, parameters, step)
}
