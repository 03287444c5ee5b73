import { gradient } from './gradient.ts'
import { inference } from './inference.ts'
import { memory } from './memory.ts'
import type { Suite } from './suite.ts'

/** Suites by name, in the order in which `npm run bench` runs them. */
export const SUITES: Readonly<Record<string, Suite>> = { gradient, memory, inference }
