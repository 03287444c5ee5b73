import { WheelOptions } from '#src/options.ts'
import { createFlowScanner } from '#src/scanners/flow.ts'
import { makeLivelyBars, makeMarket } from '../market.ts'
import { conformsToScanner } from './conformance.ts'

const options = WheelOptions.parse({}).flow
const setting = { missing: /no bar/, needsFunding: false }
const bars = makeLivelyBars('TEST', 900, 3)
conformsToScanner('flow from bars', () => createFlowScanner(options), { ...setting, market: makeMarket(bars, 0) })
conformsToScanner('flow from trades', () => createFlowScanner(options), {
  ...setting,
  market: makeMarket(bars, 1, true),
})
