import { describe } from 'vitest'
import { plantedSecretsBehaviour } from './planted/behaviour.ts'

describe('secrets in a fleet on the embedded broker', () => plantedSecretsBehaviour(() => undefined))
