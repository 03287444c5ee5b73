import { expect, it, vi } from 'vitest'
import type { InForce } from '#cli/config.ts'
import { brokerProbe } from '#cli/doctor/broker.ts'

const remarks = vi.hoisted(() => [] as string[])
vi.mock('#jobs/broker.ts', () => ({
  openBroker: async () => ({ name: 'redis', connection: 'redis://far:6379', remarks, async close() {} }),
}))

it('notes what is not right at a broker that answers, with what to do', async () => {
  const { look } = brokerProbe({ fleet: { redisUrl: 'redis://far:6379' }, state: 'var' } as unknown as InForce)
  expect(await look()).toMatchObject({ finding: 'ok', text: expect.stringMatching(/^redis at redis:\/\/far:6379 in/) })
  remarks.push('Redis keeps nothing over a restart: set appendonly yes', 'Redis 5.0 is old')
  expect(await look()).toMatchObject({
    finding: 'note',
    advice: 'Redis keeps nothing over a restart: set appendonly yes; Redis 5.0 is old',
  })
})
