import { describe } from 'vitest'
import { storeWorkerBehaviour } from './store-worker-behaviour.ts'

describe('workers with the embedded broker and a store', () => storeWorkerBehaviour(undefined))
