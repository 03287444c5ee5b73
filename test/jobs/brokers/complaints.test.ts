import { expect, it } from 'vitest'
import { createComplaints } from '#jobs/brokers/complaints.ts'
import { silentLogger } from '../silent-logger.ts'

it('says the same of a broker once a minute, whichever part tells it', () => {
  const words: string[] = []
  const logger = Object.assign(Object.create(silentLogger), { warn: (_: object, text: string) => words.push(text) })
  let time = 0
  const complain = createComplaints(logger, 'redis', () => time)
  const away = new Error('connect ECONNREFUSED')
  for (time = 0; time < 59_000; time += 5_000) for (const part of ['client', 'queue train']) complain(part, away)
  complain('client', new Error('READONLY'))
  expect(words).toEqual(['redis broker: connect ECONNREFUSED', 'redis broker: READONLY'])
  time = 60_000
  complain('client', away)
  expect(words).toHaveLength(3)
})
