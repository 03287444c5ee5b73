import { describe } from 'vitest'
import { retrainingBehaviour } from './retraining-behaviour.ts'

describe('retraining on the embedded broker', () => retrainingBehaviour(undefined))
