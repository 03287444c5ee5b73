import type { WheelOptions } from '../options.ts'
import { createBreakoutScanner } from './breakout.ts'
import { createCrossSectionScanner } from './cross-section.ts'
import { createFlowScanner } from './flow.ts'
import { createKalmanFundingScanner } from './kalman-funding.ts'
import { createOuFundingScanner } from './ou-funding.ts'
import type { Scanner } from './scanner.ts'

/** Every scanner, in the order in which stories list them. */
export function createScanners(options: WheelOptions): Scanner[] {
  return [
    createOuFundingScanner(options.ouFunding),
    createKalmanFundingScanner(options.kalmanFunding),
    createCrossSectionScanner(options.crossSection),
    createBreakoutScanner(options.breakout),
    createFlowScanner(options.flow),
  ]
}
