import { WheelOptions } from '#src/options.ts'
import { createCrossSectionScanner } from '#src/scanners/cross-section.ts'
import { makeLivelyBars, makeMarket } from '../market.ts'
import { conformsToScanner } from './conformance.ts'

const options = WheelOptions.parse({}).crossSection
conformsToScanner('cross-section', () => createCrossSectionScanner(options), {
  market: makeMarket(makeLivelyBars('TEST', 900, 3), 7),
  missing: /no bar/,
})
