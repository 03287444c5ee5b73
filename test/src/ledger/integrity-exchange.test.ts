import { expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { createRandom } from '#data/random.ts'
import { checkIntegrity } from '#src/ledger/integrity.ts'
import { barsOf, FIRST, listingOf, openDesk, order, pass, type Row, send } from '../paper/desk.ts'

const HOURS = 40
const marginTiers = [{ lowerBound: 0, maxLeverage: 40 }]

it('integrity finds nothing in what the exchange on paper writes, whatever is ordered and liquidated', async () => {
  const liquidations = new Set<string>()
  for (let seed = 0; seed < 25; seed++) {
    const random = createRandom(seed)
    const listings = ['BTC', 'ETH'].map((coin) => {
      let price = 100
      const rows = Array.from({ length: HOURS }, (): Row => {
        const open = price
        price *= Math.exp(0.03 * random.normal())
        const [high, low] = [1.01 * Math.max(open, price), 0.99 * Math.min(open, price)]
        return [open, high, low, price, 1000, 1e-4 * random.normal()]
      })
      return listingOf(barsOf(coin, rows, 0.01), { marginTiers })
    })
    const desk = openDesk(listings)
    for (let hour = 0; hour < HOURS; hour++) {
      const time = FIRST + hour * HOUR
      for (const { contract, bars } of listings) {
        if (random.uniform() < 0.6) continue
        const side = random.uniform() < 0.5 ? 1 : -1
        const price = bars.open[bars.open.length - HOURS + hour]
        const size = side * Math.max(1, Math.round((random.uniform() * 150_000) / price))
        const mode = random.uniform() < 0.5 ? 'cross' : 'isolated'
        const request = order(size, {
          coin: contract.coin,
          limitPrice: Number((price * (1 + 0.05 * side)).toPrecision(5)),
          timeInForce: random.uniform() < 0.7 ? 'Ioc' : 'Gtc',
          margin: { mode, leverage: 5 + Math.floor(35 * random.uniform()) },
        })
        await send(desk, request, time)
      }
      await pass(desk, time + HOUR)
    }
    for (const event of desk.store.events()) {
      if (event.kind === 'liquidation') liquidations.add(`${event.mode} ${event.method}`)
    }
    expect(checkIntegrity(desk.store).broken).toBeUndefined()
  }
  expect([...liquidations].sort()).toEqual(['cross backstop', 'cross market', 'isolated backstop', 'isolated market'])
})
