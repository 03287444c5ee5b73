import { backends } from './backends.ts'
import { fleet } from './fleet/fleet.ts'
import { gradient } from './gradient.ts'
import { inference } from './inference.ts'
import { linear } from './linear.ts'
import { memory } from './memory.ts'
import { peers } from './peers/peers.ts'
import type { Suite } from './suite.ts'
import { threads } from './threads.ts'

/** Suites by name, in the order in which `npm run bench` runs them. */
export const SUITES: Readonly<Record<string, Suite>> = {
  gradient,
  linear,
  memory,
  threads,
  backends,
  inference,
  fleet,
  peers,
}
