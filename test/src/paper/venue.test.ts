import { createPaperExchange } from '#src/paper/exchange.ts'
import { describeVenue } from '../venue/conformance.ts'

describeVenue('the exchange on paper', createPaperExchange)
