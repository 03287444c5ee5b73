import { createMemoryLedger } from '#src/ledger/memory-ledger.ts'
import { describeLedgerStore } from './conformance.ts'

describeLedgerStore('memory', { open: createMemoryLedger })
