import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { InputError, UnavailableError, VenueError } from '#data/errors.ts'
import type { Provider } from '#data/provider.ts'
import { createFailoverProvider } from '#data/providers/failover.ts'
import { createSimulatedProvider, SIMULATION_START } from '#data/providers/simulated.ts'
import { describeProvider } from './conformance.ts'

const RANGE = { from: SIMULATION_START, to: SIMULATION_START + 200 * HOUR }

/** A simulated market in which chosen methods fail. */
function failing(error: Error, methods: readonly ('universe' | 'candles' | 'funding' | 'openInterest')[]): Provider {
  const provider = createSimulatedProvider({ seed: 1, hours: 200, coins: ['BTC', 'ETH'] })
  const broken = Object.fromEntries(methods.map((method) => [method, () => Promise.reject(error)]))
  return { ...provider, origin: 'venue:first', ...broken }
}
const second = () => createSimulatedProvider({ seed: 2, hours: 200, coins: ['BTC', 'ETH', 'SOL'] })

describeProvider('failover', async () => ({
  provider: createFailoverProvider([failing(new UnavailableError('away'), ['universe', 'candles']), second()]),
  coin: 'ETH',
  range: RANGE,
}))

describe('failover', () => {
  it.each([
    ['is away', new UnavailableError('away')],
    ['answers nonsense', new VenueError('nonsense')],
  ])('takes the next provider when the first %s, and says who served what', async (_, error) => {
    const provider = createFailoverProvider([failing(error, ['candles']), second()])
    const { close } = await provider.candles('BTC', RANGE)
    expect(close).toEqual((await second().candles('BTC', RANGE)).close)
    await provider.universe()
    expect(provider.served()).toEqual([
      { subject: 'BTC', origin: 'simulated:2' },
      { subject: 'universe', origin: 'venue:first' },
    ])
    expect(provider.takeNotices()).toEqual([
      {
        coin: 'BTC',
        kind: 'failover',
        message: `BTC: simulated:2 served because venue:first did not (${error.name}: ${error.message})`,
      },
    ])
  })

  it('never puts one coin together from two venues', async () => {
    const later = failing(new UnavailableError('away'), ['funding'])
    const provider = createFailoverProvider([later, second()])
    await provider.candles('BTC', RANGE)
    await expect(provider.funding('BTC', RANGE)).rejects.toThrow('away')

    const moved = createFailoverProvider([failing(new UnavailableError('away'), ['candles']), second()])
    await moved.candles('BTC', RANGE)
    expect((await moved.funding('BTC', RANGE)).rate).toEqual((await second().funding('BTC', RANGE)).rate)
  })

  it('never puts one coin together from two venues, also when both are asked for at once', async () => {
    const first = failing(new UnavailableError('away'), ['candles'])
    const slow = { ...first, candles: () => new Promise<never>((_, reject) => setTimeout(reject, 20, away)) }
    const away = new UnavailableError('away')
    const provider = createFailoverProvider([slow, second()])
    const [candles, funding] = await Promise.all([provider.candles('BTC', RANGE), provider.funding('BTC', RANGE)])
    expect(candles.close).toEqual((await second().candles('BTC', RANGE)).close)
    expect(funding.rate).toEqual((await second().funding('BTC', RANGE)).rate)

    const broken = createFailoverProvider([slow])
    const both = await Promise.allSettled([broken.candles('BTC', RANGE), broken.funding('BTC', RANGE)])
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
  })

  it('looks for a coin that the first does not list at the next', async () => {
    const provider = createFailoverProvider([failing(new UnavailableError('away'), []), second()])
    expect((await provider.candles('SOL', RANGE)).openTime).toHaveLength(200)
    await expect(provider.candles('NOPE', RANGE)).rejects.toThrow(InputError)
  })

  it('does not move on for what the caller must fix, nor for an abort', async () => {
    const wrong = new InputError('broken file')
    const provider = createFailoverProvider([failing(wrong, ['candles']), second()])
    await expect(provider.candles('BTC', RANGE)).rejects.toBe(wrong)
    const stopped = createFailoverProvider([failing(new Error('enough'), ['candles']), second()])
    await expect(stopped.candles('BTC', RANGE)).rejects.toThrow('enough')
  })

  it('gives every reason when none serves', async () => {
    const provider = createFailoverProvider([
      failing(new UnavailableError('away'), ['candles']),
      failing(new VenueError('nonsense'), ['candles']),
    ])
    const error = await provider.candles('BTC', RANGE).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(UnavailableError)
    expect((error as Error).message).toMatch(/no provider served.*away.*nonsense/)
    expect(() => createFailoverProvider([])).toThrow(InputError)
  })
})
