import { beforeEach, describe, expect, it, vi } from 'vitest'
import { FatalError, InputError, type MillraceError, ModelError, UnavailableError } from '#data/errors.ts'
import type { Broker } from '#jobs/broker.ts'
import { trialRound } from '#jobs/search-round.ts'

/** What the round answers; its own ways are tested in `fleet-behaviour.ts`. */
const round = vi.hoisted(() => ({ outcome: undefined as unknown, asked: undefined as unknown }))
vi.mock('#jobs/train-round.ts', () => ({
  trainRound: async (options: object) => {
    round.asked = options
    return [round.outcome]
  },
}))
beforeEach(() => {
  round.asked = undefined
})

const ask = () => trialRound({ broker: {} as Broker, request: { task: 'model trial' }, round: 'r-1' })
const failing = (error: MillraceError) => {
  round.outcome = { ok: false, error }
}

describe('trialRound', () => {
  it('asks one job of the round that is named, and gives its answer with what JSON took from it', async () => {
    const answer = { state: 'pruned', curve: [0.9, null], seconds: 3 }
    round.outcome = { ok: true, result: answer }
    expect(await ask()).toEqual({ ...answer, curve: [0.9, Number.NaN] })
    expect(round.asked).toMatchObject({ requests: [{ task: 'model trial' }], round: 'r-1' })
  })

  it.each([new ModelError('training diverged'), new FatalError('was killed by SIGKILL')])(
    "takes what is the trial's own fault for a failed trial: %s",
    async (error) => {
      failing(error)
      expect(await ask()).toMatchObject({ state: 'failed', reason: error.message, curve: [] })
    },
  )

  it.each([new InputError('no such folder'), new UnavailableError('no workers')])(
    'passes on what would be the same for every trial: %s',
    async (error) => {
      failing(error)
      await expect(ask()).rejects.toBe(error)
    },
  )
})
