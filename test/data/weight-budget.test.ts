import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createWeightBudget } from '#data/weight-budget.ts'
import { createTestClock } from './clock.ts'

const MINUTE = 60_000

function make(limit = 1200) {
  const clock = createTestClock(0)
  return { clock, budget: createWeightBudget({ limit, now: clock.now, sleep: clock.sleep }) }
}

describe('a weight budget', () => {
  it('lets through what fits, and makes the rest wait until the minute is over', async () => {
    const { clock, budget } = make()
    for (let i = 0; i < 3; i++) (await budget.reserve(400)).settle(400)
    expect(clock.slept).toEqual([])
    await budget.reserve(1)
    expect(clock.slept).toEqual([MINUTE])
    expect(budget.used()).toBe(1)
  })

  it('gives back what was reserved and not used', async () => {
    const { clock, budget } = make()
    ;(await budget.reserve(1200)).settle(20)
    await budget.reserve(1180)
    expect(clock.slept).toEqual([])
  })

  it('counts the minute from the answer, not from the request', async () => {
    const { clock, budget } = make()
    const slow = await budget.reserve(1200)
    clock.set(30_000)
    slow.settle(1200)
    await budget.reserve(1200)
    expect(clock.now()).toBe(30_000 + MINUTE)
  })

  it('waits for a request under way that holds everything', async () => {
    const { budget } = make()
    const first = await budget.reserve(1200)
    let served = false
    const second = budget.reserve(100).then(() => {
      served = true
    })
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(served).toBe(false)
    first.settle(0)
    await second
  })

  it('serves first come first, also when the next would fit sooner', async () => {
    const { budget } = make()
    const first = await budget.reserve(1000)
    const order: string[] = []
    const large = budget.reserve(1000).then((made) => {
      order.push('large')
      made.settle(0)
    })
    const small = budget.reserve(10).then(() => order.push('small'))
    first.settle(1000)
    await Promise.all([large, small])
    expect(order).toEqual(['large', 'small'])
  })

  it('lets go of who gives up, at once and without stopping those behind', async () => {
    const { budget } = make()
    const first = await budget.reserve(1200)
    const reason = new Error('enough')
    const controllers = [new AbortController(), new AbortController()]
    const waiting = controllers.map(({ signal }) => budget.reserve(500, signal))
    const behind = budget.reserve(1200)
    controllers[1].abort(reason)
    await expect(waiting[1]).rejects.toBe(reason)
    controllers[0].abort(reason)
    await expect(waiting[0]).rejects.toBe(reason)
    await expect(budget.reserve(1, AbortSignal.abort(reason))).rejects.toBe(reason)
    first.settle(0)
    ;(await behind).settle(1200)
    expect(budget.used()).toBe(1200)
  })

  it('keeps nothing for who gives up at whatever moment', async () => {
    for (let turns = 0; turns < 10; turns++) {
      const { budget } = make()
      const controller = new AbortController()
      const reservation = budget.reserve(1200, controller.signal)
      for (let turn = 0; turn < turns; turn++) await undefined
      controller.abort(new Error('enough'))
      const made = await reservation.catch(() => undefined)
      made?.settle(0)
      ;(await budget.reserve(1200)).settle(0)
    }
  })

  it('refuses a weight that can never fit', () => {
    const { budget } = make(100)
    expect(() => budget.reserve(101)).toThrow(RangeError)
    expect(() => budget.reserve(Number.NaN)).toThrow(RangeError)
  })

  it('never lets more than the limit through within any minute', async () => {
    const request = fc.record({ weight: fc.integer({ min: 1, max: 110 }), pause: fc.integer({ min: 0, max: 9000 }) })
    await fc.assert(
      fc.asyncProperty(fc.array(request, { maxLength: 60 }), async (requests) => {
        const { clock, budget } = make(200)
        const spent: { at: number; weight: number }[] = []
        for (const { weight, pause } of requests) {
          const reservation = await budget.reserve(weight)
          clock.set(clock.now() + pause)
          spent.push({ at: clock.now(), weight })
          reservation.settle(weight)
        }
        for (const { at } of spent) {
          const minute = spent.filter((other) => other.at <= at && other.at > at - MINUTE)
          expect(minute.reduce((sum, { weight }) => sum + weight, 0)).toBeLessThanOrEqual(200)
        }
      }),
      { numRuns: 50 },
    )
  })
})
