import { WheelOptions } from '#src/options.ts'
import { createBreakoutScanner } from '#src/scanners/breakout.ts'
import { makeLivelyBars, makeMarket } from '../market.ts'
import { conformsToScanner } from './conformance.ts'

const options = WheelOptions.parse({}).breakout
conformsToScanner('breakout', () => createBreakoutScanner(options), {
  market: makeMarket(makeLivelyBars('TEST', 900, 3), 0),
  missing: /no bar/,
  needsFunding: false,
})
