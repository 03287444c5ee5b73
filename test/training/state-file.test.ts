import { readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createRandom } from '#data/random.ts'
import { stateFile, sweepStates } from '#training/state-file.ts'
import { type TrainingState, trainingStart } from '#training/training-state.ts'
import { temporaryFolder } from '../models/versions.ts'
import { smallFit } from './parallel/cases.ts'

const IDENTITY = { data: 'abc', seed: 1 }

function someState(): TrainingState {
  const { architecture, options } = smallFit()
  const state = trainingStart(architecture, options, createRandom(1))
  state.moments.first.fill(0.1)
  state.moments.steps = 7
  state.epochs.push({ epoch: 1, trainLoss: 1, validationLoss: 0.9, validationMacroF1: 0.4 })
  state.elapsed = 12.5
  return state
}

describe('the file of a training state', () => {
  it('gives back what was written last, to the last bit, and leaves nothing else behind', async () => {
    const directory = join(temporaryFolder(), 'new')
    const file = stateFile(directory, IDENTITY)
    const state = someState()
    await file.write(someState())
    state.parameters[0] = 0.1 + 0.2
    state.ending = { by: 'patience', reason: 'r' }
    await file.write(state)
    expect(await file.read()).toEqual({ state })
    expect(readdirSync(directory)).toHaveLength(1)
    await file.remove()
    expect(readdirSync(directory)).toEqual([])
  })

  it('is that of one training alone', async () => {
    const directory = temporaryFolder()
    await stateFile(directory, IDENTITY).write(someState())
    expect(await stateFile(directory, { ...IDENTITY, seed: 2 }).read()).toBeUndefined()
    expect(await stateFile(directory, { ...IDENTITY }).read()).toBeDefined()
  })

  it('is nothing where there is none, and removing it again is no error', async () => {
    const file = stateFile(join(temporaryFolder(), 'none'), IDENTITY)
    expect(await file.read()).toBeUndefined()
    await file.remove()
  })

  it.each([
    ['torn', (bytes: Buffer) => bytes.subarray(0, bytes.length - 1)],
    ['empty', () => Buffer.alloc(0)],
    ['changed', (bytes: Buffer) => Buffer.from(bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte)))],
  ])('is not gone on with where it is %s, and says so', async (_, damage) => {
    const file = stateFile(temporaryFolder(), IDENTITY)
    await file.write(someState())
    writeFileSync(file.path, damage(readFileSync(file.path)))
    expect(await file.read()).toEqual({ unusable: `${file.path} was changed or is not whole` })
  })

  it('names the place that refuses it', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'taken'), '')
    await expect(stateFile(join(folder, 'taken'), IDENTITY).write(someState())).rejects.toThrow(/taken/)
  })

  it('is swept away after a week, and no other file with it', async () => {
    const directory = temporaryFolder()
    const [old, young] = [stateFile(directory, 'old'), stateFile(directory, 'young')]
    await old.write(someState())
    await young.write(someState())
    writeFileSync(join(directory, 'notes.txt'), '')
    const now = Date.UTC(2026, 0, 20)
    utimesSync(old.path, (now - 8 * 86_400_000) / 1000, (now - 8 * 86_400_000) / 1000)
    utimesSync(join(directory, 'notes.txt'), 0, 0)
    utimesSync(young.path, (now - 6 * 86_400_000) / 1000, (now - 6 * 86_400_000) / 1000)
    await sweepStates(directory, now)
    expect(await old.read()).toBeUndefined()
    expect(await young.read()).toBeDefined()
    expect(readdirSync(directory)).toContain('notes.txt')
    await sweepStates(join(directory, 'none'), now)
  })
})
