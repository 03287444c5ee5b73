import { describe } from 'vitest'
import { watchBehaviour } from './watch-behaviour.ts'

describe('watching a fleet on the embedded broker', () => watchBehaviour(undefined))
