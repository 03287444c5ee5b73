import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, it } from 'vitest'
import { computeFeatures } from '#data/features.ts'
import { createRandom } from '#data/random.ts'
import { windowRows } from '#data/windows.ts'
import { selectBackend } from '#models/backend.ts'
import { CdeConfiguration } from '#models/classifier/architecture.ts'
import { fitScaling } from '#models/scaling.ts'
import { columnsOf, type Samples } from '#training/dataset.ts'
import { type ClassifierFitInput, fitClassifier } from '#training/fit-classifier.ts'
import { CdeTrainingOptions } from '#training/options.ts'
import type { TrainingState } from '#training/training-state.ts'
import { randomBars } from '../markets.ts'

const CHANNELS = ['return', 'return12', 'volatility']
const KNOTS = 8

/** Windows labelled by something that can be seen in them: the size and the sign of the 12 h return. */
function learnableSamples(seed: number): { samples: Samples; scaling: ReturnType<typeof fitScaling> } {
  const table = computeFeatures(randomBars(seed, 700))
  const rows = Array.from(windowRows(table, KNOTS))
  const label = (row: number) => {
    const move = table.values[row * table.channels.length + 1]
    return Math.abs(move) < 0.6 ? 0 : move > 0 ? 1 : 2
  }
  return {
    samples: { ends: rows.map((row) => ({ table, row })), labels: Uint8Array.from(rows, label) },
    scaling: fitScaling(CHANNELS, [columnsOf(table, 180, 700, CHANNELS)]),
  }
}

function fitInput(seed: number): ClassifierFitInput {
  const { samples, scaling } = learnableSamples(1)
  return {
    architecture: {
      ...CdeConfiguration.parse({ hidden: 8, width: 8, readout: 8, solver: 'euler' }),
      channels: CHANNELS,
      counted: [],
      context: [],
      knots: KNOTS,
    },
    scaling,
    train: samples,
    validation: learnableSamples(2).samples,
    options: CdeTrainingOptions.parse({ epochs: 8, batch: 32, learningRate: 0.01, averaging: 0.9, mirror: false }),
    random: createRandom(seed),
    clock: () => 0,
  }
}

describe('fitClassifier', () => {
  beforeAll(async () => {
    await selectBackend('wasm')
  })

  it('learns what can be learned, and keeps the best epoch', async () => {
    const fit = await fitClassifier(fitInput(1))
    const best = fit.epochs[fit.bestEpoch - 1]
    expect(best.validationMacroF1).toBeGreaterThan(0.8)
    expect(best.validationLoss).toBe(Math.min(...fit.epochs.map((epoch) => epoch.validationLoss)))
  })

  it('goes back to the best epoch when it does not get on, and stops when its patience ends', async () => {
    // Steps too long to settle, all samples at once: every loss is that of the weights before its step.
    const input = fitInput(1)
    const wild = {
      learningRate: 0.5,
      averaging: 0,
      dropout: 0,
      batch: 10_000,
      epochs: 30,
      decayPatience: 1,
      patience: 2,
    }
    const { epochs, bestEpoch, parameters } = await fitClassifier({ ...input, options: { ...input.options, ...wild } })
    expect(bestEpoch).toBeLessThan(epochs.length)
    expect(epochs).toHaveLength(bestEpoch + 2)
    const [, next, afterReturn] = epochs.slice(bestEpoch - 1)
    expect(afterReturn.trainLoss).toBeCloseTo(next.trainLoss, 5)
    const again = { ...input.options, ...wild, epochs: bestEpoch }
    expect((await fitClassifier({ ...fitInput(1), options: again })).parameters).toEqual(parameters)
  })

  it('leaves the averaged weights of what it gave up behind', async () => {
    const input = fitInput(1)
    const wild = { learningRate: 0.5, averaging: 0.9, batch: 100, epochs: 30, decayPatience: 1, patience: 2 }
    const states: TrainingState[] = []
    const onState = (state: TrainingState) => void states.push(state)
    await fitClassifier({ ...input, options: { ...input.options, ...wild }, onState })
    const decayed = states.filter(({ plateau }) => plateau.sinceBest > 0)
    expect(decayed.length).toBeGreaterThan(0)
    for (const { parameters, average, best } of decayed) {
      expect(average).toEqual(best.parameters)
      expect(parameters).toEqual(best.parameters)
    }
  })

  it('turns windows upside down, drops states and weighs classes where it is told to', async () => {
    const plain = { ...fitInput(1).options, epochs: 1, dropout: 0 }
    const weightsWith = async (change: Partial<CdeTrainingOptions>) =>
      (await fitClassifier({ ...fitInput(1), options: { ...plain, ...change } })).parameters
    const base = await weightsWith({})
    for (const change of [{ mirror: true }, { dropout: 0.5 }, { labelSmoothing: 0.2 }, { weightDecay: 0.5 }]) {
      expect(await weightsWith(change), JSON.stringify(change)).not.toEqual(base)
    }
  })

  it('gives the same result for the same seed, and another for another', async () => {
    const [first, again, other] = [
      await fitClassifier(fitInput(1)),
      await fitClassifier(fitInput(1)),
      await fitClassifier(fitInput(2)),
    ]
    expect(again.parameters).toEqual(first.parameters)
    expect(again.epochs).toEqual(first.epochs)
    expect(other.parameters).not.toEqual(first.parameters)
  })

  it('goes on from any epoch as if it had never been interrupted', async () => {
    const options = {
      ...fitInput(1).options,
      mirror: true,
      epochs: 5,
      decayPatience: 1,
      averaging: 0.5,
      learningRate: 0.1,
    }
    const states: TrainingState[] = []
    const onState = (state: TrainingState) => void states.push(state)
    const whole = await fitClassifier({ ...fitInput(1), options, onState })
    expect(states.map(({ epochs }) => epochs.length)).toEqual([1, 2, 3, 4, 5])
    for (const state of states) {
      const before = structuredClone(state)
      expect(await fitClassifier({ ...fitInput(1), options, state })).toEqual(whole)
      expect(state).toEqual(before)
    }
  })

  it('says why it ended', async () => {
    const endingWith = async (change: Partial<CdeTrainingOptions>, clock = () => 0) =>
      (await fitClassifier({ ...fitInput(1), clock, options: { ...fitInput(1).options, ...change } })).ending
    expect(await endingWith({ epochs: 1 })).toEqual({ by: 'epochs', reason: 'its last epoch (1) was done' })
    const wild = { learningRate: 0.5, averaging: 0, decayPatience: 1, patience: 1 }
    expect(await endingWith(wild)).toEqual({ by: 'patience', reason: 'no better validation loss in 1 epochs' })
    let minutes = 0
    expect(await endingWith({ minutes: 1.5 }, () => 60_000 * minutes++)).toEqual({
      by: 'minutes',
      reason: 'cut short after 2 of 8 epochs: its 1.5 minutes were over',
    })
  })

  it('counts the time of all processes that had a part in it', async () => {
    const options = { ...fitInput(1).options, minutes: 2.5 }
    let minutes = 0
    const states: TrainingState[] = []
    const input = { ...fitInput(1), options, clock: () => 60_000 * minutes++ }
    const whole = await fitClassifier({ ...input, onState: (state) => void states.push(state) })
    expect(whole.epochs).toHaveLength(3)
    minutes = 100
    expect((await fitClassifier({ ...input, state: states[1] })).epochs).toHaveLength(3)
  })

  it('leaves no tensor behind', async () => {
    await fitClassifier(fitInput(1))
    const before = tf.memory().numTensors
    await fitClassifier(fitInput(1))
    expect(tf.memory().numTensors).toBe(before)
  })

  it('stops when it is told to', async () => {
    const stop = new AbortController()
    const input = { ...fitInput(1), signal: stop.signal, onEpoch: () => stop.abort(new Error('enough')) }
    await expect(fitClassifier(input)).rejects.toThrow('enough')
  })

  it('ends with the best epoch when its time is up', async () => {
    let minutes = 0
    const input = { ...fitInput(1), clock: () => 60_000 * minutes++ }
    const fit = await fitClassifier({ ...input, options: { ...input.options, minutes: 0.5 } })
    expect(fit.epochs).toHaveLength(1)
  })

  it('does not pass off as trained what diverged on the validation fold', async () => {
    // One step of one epoch: its own loss is still finite, what the step did to the weights is not.
    const input = fitInput(1)
    const options = { ...input.options, epochs: 1, batch: 10_000, learningRate: 1e39, averaging: 0 }
    await expect(fitClassifier({ ...input, options })).rejects.toThrow(/diverged in epoch 1/)
  })

  it('refuses an empty fold', async () => {
    const input = fitInput(1)
    const empty: Samples = { ends: [], labels: new Uint8Array(0) }
    await expect(fitClassifier({ ...input, validation: empty })).rejects.toThrow(/0 validation windows/)
  })
})
