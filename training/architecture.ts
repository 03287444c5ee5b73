import { CONTEXT_FEATURES, type Feature } from '#data/features.ts'
import type { Architecture, CdeConfiguration, EncoderName } from '#models/classifier/architecture.ts'

/** The architecture of a classifier on the channels that a training fold has; context goes to the read-out alone. */
export function architectureOf(
  configuration: Omit<CdeConfiguration, 'encoder'> & { readonly encoder: EncoderName },
  selection: { readonly channels: readonly Feature[]; readonly sometimesMissing: readonly Feature[] },
  knots: number,
): Architecture {
  const isContext = (channel: Feature) => CONTEXT_FEATURES.includes(channel)
  return {
    ...configuration,
    channels: selection.channels,
    context: selection.channels.filter(isContext),
    counted: selection.sometimesMissing.filter((channel) => !isContext(channel)),
    knots,
  }
}
