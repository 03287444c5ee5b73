import { afterEach, describe, expect, it } from 'vitest'
import { createSimulatedProvider } from '#data/providers/simulated.ts'
import { resolveSource } from '#jobs/pipeline/source.ts'
import { type Exchange, startExchange } from '../../exchange/exchange.ts'
import { seriesFrom } from '../../exchange/series.ts'
import { NOW } from '../../training/simulated.ts'
import { silentLogger as logger } from '../silent-logger.ts'

const context = { now: () => NOW, progress: () => {}, logger }
let exchange: Exchange | undefined
afterEach(async () => {
  await exchange?.close()
  exchange = undefined
})

describe('the source of a run', () => {
  it('is taken at its word when it is named', async () => {
    const spec = { source: 'csv', data: 'here' } as const
    expect(await resolveSource(spec, context)).toEqual({ spec, reason: 'asked for' })
  })

  it('is the exchange where it answers', async () => {
    const market = createSimulatedProvider({ seed: 1, hours: 300 })
    exchange = await startExchange({ series: await seriesFrom(market, ['BTC']), now: () => NOW })
    const { spec, reason } = await resolveSource({ source: 'auto', apiUrl: exchange.url, seed: 4 }, context)
    expect(spec).toEqual({ source: 'hyperliquid', apiUrl: exchange.url })
    expect(reason).not.toMatch(/simulator/)
  })

  it('is the simulator with the seed of the run where it does not, and says why', async () => {
    const { spec, reason } = await resolveSource({ source: 'auto', apiUrl: 'http://127.0.0.1:1', seed: 4 }, context)
    expect(spec).toEqual({ source: 'simulated', seed: 4 })
    expect(reason).toMatch(/^the simulator stands in: ./)
  })
})
