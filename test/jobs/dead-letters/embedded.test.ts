import { describe } from 'vitest'
import { deadLetterBehaviour } from './behaviour.ts'

describe('dead letters on the embedded broker', () => deadLetterBehaviour(undefined))
