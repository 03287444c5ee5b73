import { readdirSync, readFileSync } from 'node:fs'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { describe, expect, test } from 'vitest'
import { inputsDigest, onnxCases, sha256 } from '../../peers/write-onnx-cases.ts'

interface Recorded {
  readonly name: string
  readonly writer: string
  readonly seed: number
  readonly sha256: string
  readonly inputs: string
  /** What Python's onnxruntime gave for each run, by output. */
  readonly outputs: readonly Readonly<Record<string, readonly number[]>>[]
}

/** Made by `test/peers/onnx_graphs.py`: every graph in it has passed the official checker. */
const fixture = JSON.parse(readFileSync(new URL('fixtures/graphs.json', import.meta.url), 'utf8')) as {
  readonly cases: readonly Recorded[]
}
const recorded = new Map(fixture.cases.map((one) => [one.name, one]))
const cases = onnxCases()
/** Outputs are compared to this, relative where they are above 1 (hidden states). */
const NEAR = 1e-6
const AGAIN = 'after a change to what is written run: python test/peers/onnx_graphs.py'

test('every writer of graphs stands among the cases, and every case in the fixture', () => {
  const folder = new URL('../../../models/onnx/', import.meta.url)
  const writers = readdirSync(folder).flatMap((file) =>
    [...readFileSync(new URL(file, folder), 'utf8').matchAll(/export function (write\w+(?:Graph|Step))\b/g)].map(
      ([, name]) => name,
    ),
  )
  expect(writers.length).toBeGreaterThanOrEqual(4)
  const tried = new Set(cases.map(({ writer }) => writer.name))
  expect([...tried].sort(), 'add the missing cases to test/peers/write-onnx-cases.ts').toEqual(writers.sort())
  expect([...recorded.keys()].sort(), AGAIN).toEqual(cases.map(({ name }) => name).sort())
})

describe.each(cases)("Python's checker and runtime know the graph $name", (one) => {
  const bytes = one.write()

  test('to the last byte', () => {
    const { sha256: checked, inputs, seed, writer } = recorded.get(one.name)!
    expect({ seed, writer, inputs }, AGAIN).toEqual({
      seed: one.seed,
      writer: one.writer.name,
      inputs: inputsDigest(one),
    })
    expect(sha256(bytes), AGAIN).toBe(checked)
  })

  test('and give what onnxruntime-node gives', async () => {
    const { outputs } = recorded.get(one.name)!
    expect(outputs).toHaveLength(one.runs.length)
    const session = await InferenceSession.create(bytes)
    expect([...session.outputNames].sort()).toEqual(Object.keys(outputs[0]).sort())
    for (const [i, inputs] of one.runs.entries()) {
      const tensors = Object.entries(inputs).map(([name, { dims, values }]) => [
        name,
        new Tensor('float32', values, dims),
      ])
      const answer = await session.run(Object.fromEntries(tensors))
      for (const [name, expected] of Object.entries(outputs[i])) {
        const found = answer[name].data as Float32Array
        expect(found).toHaveLength(expected.length)
        const distances = expected.map((value, at) => Math.abs(value - found[at]) / Math.max(1, Math.abs(value)))
        // NaN fails too: it is less than no number.
        expect(Math.max(...distances), `${name} of run ${i}`).toBeLessThan(NEAR)
      }
    }
    await session.release()
  })
})
