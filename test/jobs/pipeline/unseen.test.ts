import { describe, expect, it } from 'vitest'
import { InputError } from '#data/errors.ts'
import { mustBeUnseen, remarksOnServed, seenInTraining } from '#jobs/pipeline/unseen.ts'
import { openRegistry } from '#models/registry.ts'
import { cardContent, NOW, temporaryFolder, workingVersion } from '../../models/versions.ts'

const models = temporaryFolder()
const { data } = cardContent('cde')
const save = (origin: string) => openRegistry(models).save(workingVersion('cde', 1, { data: { ...data, origin } }))

describe('what a model has seen', () => {
  it('is everything up to the end of its validation fold', async () => {
    const card = await save('csv:data')
    expect(seenInTraining(card, { origin: 'csv:data', from: data.range.to })).toBeUndefined()
    expect(seenInTraining(card, { origin: 'csv:data', from: data.range.to - 1 })).toMatch(/it has seen the answers$/)
  })

  it('counts between a file and the exchange, not between a simulation and another source', async () => {
    const from = NOW - 5e8
    expect(seenInTraining(await save('csv:data'), { origin: 'hyperliquid', from })).toMatch(/seen the answers/)
    expect(seenInTraining(await save('simulated:1'), { origin: 'simulated:1', from })).toMatch(/seen the answers/)
    expect(seenInTraining(await save('simulated:1'), { origin: 'simulated:2', from })).toBeUndefined()
    expect(seenInTraining(await save('simulated:1'), { origin: 'csv:data', from })).toBeUndefined()
  })

  it('may not be what it is judged on', async () => {
    const { id } = await save('csv:data')
    await mustBeUnseen(models, { cde: id }, { origin: 'csv:data', from: NOW })
    const judging = mustBeUnseen(models, { cde: id }, { origin: 'csv:data', from: NOW - 5e8 })
    await expect(judging).rejects.toBeInstanceOf(InputError)
    await expect(judging).rejects.toThrow(/give a later --test-from/)
  })

  it('is remarked on where it served', async () => {
    const { id } = await save('csv:data')
    const hours = { origin: 'csv:data', from: NOW - 5e8 }
    expect(await remarksOnServed(models, { kind: 'cde', id }, hours)).toEqual([
      expect.stringMatching(/seen the answers/),
    ])
    expect(await remarksOnServed(models, { kind: 'cde', id }, { ...hours, from: NOW })).toEqual([])
    expect(await remarksOnServed(models, { kind: 'none' }, hours)).toEqual([])
    const elsewhere = { kind: 'hmm', id: '20250401T120000123Z-0123456789abcdef' } as const
    expect(await remarksOnServed(models, elsewhere, hours)).toEqual([expect.stringMatching(/cannot be told/)])
  })
})
