import { describe } from 'vitest'
import { fleetBehaviour } from './fleet-behaviour.ts'

describe('the fleet on the embedded broker', () => fleetBehaviour(undefined))
