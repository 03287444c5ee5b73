import * as onnxruntime from 'onnxruntime-node'
import { describe, expect, test } from 'vitest'
import { ModelProto } from '#models/onnx/schema.ts'
import { float, type ModelDescription, writeModel } from '#models/onnx/writer.ts'

const description: ModelDescription = {
  name: 'test',
  inputs: [{ name: 'x', type: 'float32', dims: ['batch', 3] }],
  outputs: [{ name: 'y', type: 'float32', dims: ['batch', 3] }],
  metadata: { author: 'test' },
}

async function run(bytes: Uint8Array, x: number[]): Promise<number[]> {
  const session = await onnxruntime.InferenceSession.create(bytes)
  const tensor = new onnxruntime.Tensor('float32', Float32Array.from(x), [x.length / 3, 3])
  const { y } = await session.run({ x: tensor })
  await session.release()
  return [...(y.data as Float32Array)]
}

describe('the ONNX writer', () => {
  test('writes a graph that the runtime reads as the formula it was built from', async () => {
    const bytes = writeModel(description, (g) => {
      const doubled = g.node('Mul', ['x', g.scalar(2)])
      g.node('Add', [doubled, g.constant([10, 20, 30], [3])], {}, 'y')
    })
    expect(await run(bytes, [1, 2, 3, 4, 5, 6])).toEqual([12, 24, 36, 18, 30, 42])
  })

  test('writes float attributes that happen to be whole as floats', async () => {
    const bytes = writeModel(description, (g) => {
      g.node('LeakyRelu', ['x'], { alpha: float(1) }, 'y')
    })
    expect(await run(bytes, [-1, 0, 1])).toEqual([-1, 0, 1])
  })

  test('keeps constants of every type', async () => {
    const bytes = writeModel(description, (g) => {
      const big = g.constant([2 ** 40, 1, -1], [3], 'int64')
      const precise = g.constant([0.1, 0.2, 0.3], [3], 'float64')
      const product = g.node('Mul', [g.node('Cast', [big], { to: 11 }), precise])
      const chosen = g.node('Where', [g.constant([1, 0, 1], [3], 'bool'), product, precise])
      g.node('Add', [g.node('Cast', [chosen], { to: 1 }), 'x'], {}, 'y')
    })
    expect(await run(bytes, [0, 0, 0])).toEqual([0.1 * 2 ** 40, 0.2, -0.3].map(Math.fround))
  })

  test('lets a subgraph use names of the graph around it', async () => {
    const bytes = writeModel(description, (g) => {
      const two = g.scalar(2)
      const state = { type: 'float32', dims: ['batch'] } as const
      const body = g.subgraph(
        'sum',
        [
          { name: 'before', ...state },
          { name: 'column', ...state },
        ],
        [
          { name: 'after', ...state },
          { name: 'seen', ...state },
        ],
        (s) => {
          s.node('Add', ['before', s.node('Mul', ['column', two])], {}, 'after')
          s.node('Identity', ['after'], {}, 'seen')
        },
      )
      const start = g.node('ReduceSum', [g.node('Mul', ['x', g.scalar(0)]), g.ints(1)], { keepdims: 0 })
      g.nodes('Scan', [start, 'x'], ['last', 'y'], {
        body: { graph: body },
        num_scan_inputs: 1,
        scan_input_axes: [1],
        scan_output_axes: [1],
      })
    })
    expect(await run(bytes, [1, 2, 3])).toEqual([2, 6, 12])
  })

  test('records operator set, producer and metadata', () => {
    const bytes = writeModel(description, (g) => {
      g.node('Identity', ['x'], {}, 'y')
    })
    const model = ModelProto.toObject(ModelProto.decode(bytes), { longs: Number })
    expect(model).toMatchObject({
      producerName: 'millrace',
      opsetImport: [{ version: 17 }],
      metadataProps: [{ key: 'author', value: 'test' }],
    })
  })
})
