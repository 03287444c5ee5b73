import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRandom } from '#data/random.ts'
import { mostProbable } from '#models/regime.ts'
import { calibration } from '#training/calibration.ts'
import { logLoss } from '#training/metrics.ts'
import { applyCalibrator, applyTemperature, fitCalibrator, fitTemperature } from '#training/statistics/temperature.ts'
import { farthest, peers } from '../../statistics/peers.ts'

describe.each(peers.calibrations)('against SciPy: $name', (reference) => {
  const label = Uint8Array.from(reference.truth)
  const probabilities = Float32Array.from(reference.probabilities)

  it('finds the temperature of the smallest log-loss', () => {
    const temperature = fitTemperature(label, probabilities)
    expect(temperature / reference.temperature).toBeCloseTo(1, 5)
    expect(logLoss(label, applyTemperature(probabilities, temperature))).toBeCloseTo(reference.lossAtTemperature, 5)
  })

  it('finds temperature and biases of the smallest log-loss', () => {
    const calibrator = fitCalibrator(label, probabilities)
    expect(calibrator.temperature / reference.calibrator.temperature).toBeCloseTo(1, 4)
    expect(farthest(calibrator.bias, reference.calibrator.bias)).toBeLessThan(1e-4)
    const calibrated = applyCalibrator(probabilities, calibrator)
    expect(farthest(calibrated.subarray(0, 3), reference.firstCalibrated)).toBeLessThan(1e-5)
    expect(logLoss(label, calibrated)).toBeCloseTo(reference.lossAtCalibrator, 5)
  })
})

/** Labels drawn from known probabilities, told with `boldness` times the log-odds and tilted by class weights. */
function told(boldness: number, weights: readonly number[], n = 6000) {
  const random = createRandom(11)
  const normalise = (row: number[]) => {
    const total = row.reduce((sum, value) => sum + value, 0)
    return row.map((value) => value / total)
  }
  const label = new Uint8Array(n)
  const probabilities = new Float32Array(n * 3)
  for (let i = 0; i < n; i++) {
    const honest = normalise([random.normal(), random.normal(), random.normal()].map((value) => Math.exp(value)))
    const u = random.uniform()
    label[i] = u < honest[0] ? 0 : u < honest[0] + honest[1] ? 1 : 2
    probabilities.set(normalise(honest.map((p, k) => (p * weights[k]) ** boldness)), i * 3)
  }
  return { label, probabilities }
}

describe('calibration fitted on validation', () => {
  it('takes over-confidence out by the temperature and class weights by the biases', () => {
    const weights = [0.8, 1.3, 1.1]
    const { label, probabilities } = told(2, weights)
    const { temperature, bias } = fitCalibrator(label, probabilities)
    expect(temperature).toBeCloseTo(2, 0)
    const logs = weights.map((weight) => Math.log(weight))
    const mean = (logs[0] + logs[1] + logs[2]) / 3
    expect(farthest(bias, [mean - logs[0], mean - logs[1], mean - logs[2]])).toBeLessThan(0.07)
    const calibrated = applyCalibrator(probabilities, { temperature, bias })
    expect(calibration(label, calibrated).ece).toBeLessThan(0.02)
    expect(calibration(label, probabilities).ece).toBeGreaterThan(0.1)
  })

  it('makes the mean probability of each regime its frequency, as biases must', () => {
    const { label, probabilities } = told(0.7, [1, 2, 0.5], 500)
    const calibrated = applyCalibrator(probabilities, fitCalibrator(label, probabilities))
    for (let k = 0; k < 3; k++) {
      const mean = calibrated.reduce((sum, p, i) => sum + (i % 3 === k ? p : 0), 0) / 500
      expect(mean).toBeCloseTo(label.filter((value) => value === k).length / 500, 4)
    }
  })

  it('never changes the most probable regime by a temperature', () => {
    const row = fc.tuple(fc.nat(99), fc.nat(99), fc.nat(99)).filter(([a, b, c]) => a !== b && b !== c && a !== c)
    fc.assert(
      fc.property(row, fc.double({ min: 0.2, max: 5, noNaN: true }), ([a, b, c], temperature) => {
        const total = a + b + c
        const probabilities = Float32Array.of(a / total, b / total, c / total)
        const cooled = applyTemperature(probabilities, temperature)
        expect(mostProbable(cooled, 0)).toBe(mostProbable(probabilities, 0))
        expect(cooled[0] + cooled[1] + cooled[2]).toBeCloseTo(1, 6)
      }),
    )
  })

  it('is undone by the inverse temperature, and 1 changes nothing', () => {
    const { probabilities } = told(1, [1, 1, 1], 50)
    expect(farthest(applyTemperature(probabilities, 1), probabilities)).toBeLessThan(1e-6)
    expect(farthest(applyTemperature(applyTemperature(probabilities, 3), 1 / 3), probabilities)).toBeLessThan(1e-5)
  })

  it('leaves unanswered rows out of the fit and unanswered in the answer', () => {
    const { label, probabilities } = told(2, [1, 1, 1], 400)
    const holed = Float32Array.of(Number.NaN, 0.5, 0.5, ...probabilities)
    expect(fitTemperature(Uint8Array.of(2, ...label), holed)).toBeCloseTo(fitTemperature(label, probabilities), 9)
    const applied = applyTemperature(holed, 2)
    expect([...applied.subarray(0, 3)].every(Number.isNaN)).toBe(true)
    expect([...applied.subarray(3)].some(Number.isNaN)).toBe(false)
  })

  it('stays finite where classes are told apart without error, where nothing is told, and where all is wrong', () => {
    const label = Uint8Array.from({ length: 90 }, (_, i) => i % 3)
    const answers = (right: number, other: number) =>
      Float32Array.from({ length: 270 }, (_, i) => (i % 3 === label[Math.floor(i / 3)] ? right : other))
    const perfect = fitCalibrator(label, answers(0.8, 0.1))
    expect(perfect.temperature).toBeGreaterThanOrEqual(0.02)
    expect(perfect.temperature).toBeLessThan(0.5)
    expect(fitTemperature(label, answers(1 / 3, 1 / 3))).toBeCloseTo(1, 6)
    expect(fitTemperature(label, answers(0.1, 0.45))).toBe(100)
    expect(fitTemperature(label, answers(0, 0.5))).toBe(100)
    const certain = applyTemperature(answers(1, 0), fitTemperature(label, answers(1, 0)))
    expect(certain.every((p) => p >= 0 && p <= 1)).toBe(true)
  })

  it('finds the best biases also where the temperature stops at its end', () => {
    const random = createRandom(5)
    const label = Uint8Array.from({ length: 300 }, () => [0, 0, 0, 1, 2][random.integer(5)])
    // The answer is turned away from the truth: the best slope would be below 0.
    const wrong = Float32Array.from({ length: 900 }, (_, i) => (i % 3 === label[Math.floor(i / 3)] ? 0.2 : 0.4))
    const calibrator = fitCalibrator(label, wrong)
    expect(calibrator.temperature).toBe(100)
    const calibrated = applyCalibrator(wrong, calibrator)
    const counts = [0, 1, 2].map((k) => label.filter((value) => value === k).length)
    const mean = [0, 1, 2].map((k) => calibrated.reduce((sum, p, i) => sum + (i % 3 === k ? p : 0), 0) / 300)
    expect(
      farthest(
        mean,
        counts.map((count) => count / 300),
      ),
    ).toBeLessThan(1e-4)
  })

  it('refuses to fit on nothing, on a missing regime, on other lengths; and a temperature that is none', () => {
    const none = new Float32Array(6).fill(Number.NaN)
    expect(() => fitTemperature(Uint8Array.of(0, 1), none)).toThrow(/no answered sample/)
    const two = Float32Array.of(0.5, 0.3, 0.2, 0.2, 0.5, 0.3)
    expect(() => fitCalibrator(Uint8Array.of(0, 1), two)).toThrow(/no sample of reversal/)
    expect(fitTemperature(Uint8Array.of(0, 1), two)).toBeGreaterThan(0)
    expect(() => fitTemperature(Uint8Array.of(0), two)).toThrow(/6 probabilities for 1 labels/)
    expect(() => applyTemperature(two, 0)).toThrow(/above 0/)
    expect(() => applyTemperature(two, Number.NaN)).toThrow(/above 0/)
  })
})
