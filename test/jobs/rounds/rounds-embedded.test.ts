import { describe } from 'vitest'
import { roundsBehaviour } from './rounds-behaviour.ts'

describe('rounds on the embedded broker', () => roundsBehaviour(undefined))
