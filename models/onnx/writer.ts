import { ATTRIBUTE_TYPE, DATA_TYPE, type DataType, ModelProto } from './schema.ts'

/** ONNX operator set: 17 is understood by every runtime of the last years and has all that our graphs need. */
export const OPSET = 17
const IR_VERSION = 8

/** A dimension: a number, or a name for one that is free at run time. */
export type Dimension = number | string

export interface ValueInfo {
  readonly name: string
  readonly type: DataType
  readonly dims: readonly Dimension[]
}

/** Whole numbers are written as `int`, numbers wrapped by {@link float} as `float`. */
export type Attribute = number | string | readonly number[] | { readonly float: number } | { readonly graph: object }

/** Marks an attribute as `float` where its value happens to be whole. */
export const float = (value: number) => ({ float: value })

/**
 * Collects the nodes and constants of one ONNX graph. Each call returns the name of what it made, so that
 * a graph reads like the formula it computes: `g.node('Tanh', [g.node('MatMul', [x, w])])`.
 */
export interface GraphBuilder {
  /** Adds a node with one output (or the outputs named) and returns its name. */
  node(operator: string, inputs: readonly string[], attributes?: Record<string, Attribute>, output?: string): string
  /** Adds a node with several outputs and returns their names. */
  nodes(
    operator: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes?: Record<string, Attribute>,
  ): readonly string[]
  /** Adds a constant of shape `dims`. */
  constant(data: ArrayLike<number>, dims: readonly number[], type?: DataType, name?: string): string
  /** A scalar constant of shape `[]`. */
  scalar(value: number, type?: DataType): string
  /** A vector of int64, as `Slice`, `Reshape`, `Unsqueeze` want them. */
  ints(...values: number[]): string
  /** A graph for `Scan`, `Loop` or `If`; names from this graph may be used inside. */
  subgraph(
    name: string,
    inputs: readonly ValueInfo[],
    outputs: readonly ValueInfo[],
    build: (g: GraphBuilder) => void,
  ): object
}

interface Names {
  next(stem: string): string
}

function createNames(): Names {
  const counts = new Map<string, number>()
  return {
    next(stem) {
      const count = (counts.get(stem) ?? 0) + 1
      counts.set(stem, count)
      return `${stem}_${count}`
    },
  }
}

function attributeProto(name: string, value: Attribute): object {
  if (typeof value === 'number') return { name, type: ATTRIBUTE_TYPE.int, i: value }
  if (typeof value === 'string') return { name, type: ATTRIBUTE_TYPE.string, s: Buffer.from(value) }
  if ('float' in value) return { name, type: ATTRIBUTE_TYPE.float, f: value.float }
  if ('graph' in value) return { name, type: ATTRIBUTE_TYPE.graph, g: value.graph }
  return { name, type: ATTRIBUTE_TYPE.ints, ints: [...value] }
}

function rawData(data: ArrayLike<number>, type: DataType): Uint8Array {
  const typed = {
    float32: () => Float32Array.from(data),
    float64: () => Float64Array.from(data),
    int64: () => BigInt64Array.from(Array.from(data, BigInt)),
    bool: () => Uint8Array.from(data),
  }[type]()
  return new Uint8Array(typed.buffer)
}

function valueInfoProto(value: ValueInfo): object {
  const dim = value.dims.map((d) => (typeof d === 'number' ? { dimValue: d } : { dimParam: d }))
  return { name: value.name, type: { tensorType: { elemType: DATA_TYPE[value.type], shape: { dim } } } }
}

function createGraph(names: Names): { builder: GraphBuilder; nodes: object[]; initializers: object[] } {
  const nodes: object[] = []
  const initializers: object[] = []
  const add = (
    operator: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Record<string, Attribute>,
  ) => {
    nodes.push({
      input: [...inputs],
      output: [...outputs],
      name: names.next(`node_${operator}`),
      opType: operator,
      attribute: Object.entries(attributes).map(([key, value]) => attributeProto(key, value)),
    })
  }
  const builder: GraphBuilder = {
    node(operator, inputs, attributes = {}, output = names.next(operator)) {
      add(operator, inputs, [output], attributes)
      return output
    },
    nodes(operator, inputs, outputs, attributes = {}) {
      add(operator, inputs, outputs, attributes)
      return outputs
    },
    constant(data, dims, type = 'float32', name = names.next('constant')) {
      initializers.push({ name, dims: [...dims], dataType: DATA_TYPE[type], rawData: rawData(data, type) })
      return name
    },
    scalar: (value, type) => builder.constant([value], [], type),
    ints: (...values) => builder.constant(values, [values.length], 'int64'),
    subgraph(name, inputs, outputs, build) {
      const inner = createGraph(names)
      build(inner.builder)
      return {
        name,
        node: inner.nodes,
        initializer: inner.initializers,
        input: inputs.map(valueInfoProto),
        output: outputs.map(valueInfoProto),
      }
    },
  }
  return { builder, nodes, initializers }
}

export interface ModelDescription {
  readonly name: string
  readonly inputs: readonly ValueInfo[]
  readonly outputs: readonly ValueInfo[]
  /** Written to `metadata_props`. */
  readonly metadata: Readonly<Record<string, string>>
}

/**
 * Writes an ONNX model. `build` adds the nodes; every output named in `description` must be the name of one.
 *
 * @returns the bytes of the `.onnx` file
 */
export function writeModel(description: ModelDescription, build: (g: GraphBuilder) => void): Uint8Array {
  const { builder, nodes, initializers } = createGraph(createNames())
  build(builder)
  return ModelProto.encode(
    ModelProto.fromObject({
      irVersion: IR_VERSION,
      producerName: 'millrace',
      opsetImport: [{ domain: '', version: OPSET }],
      graph: {
        name: description.name,
        node: nodes,
        initializer: initializers,
        input: description.inputs.map(valueInfoProto),
        output: description.outputs.map(valueInfoProto),
      },
      metadataProps: Object.entries(description.metadata).map(([key, value]) => ({ key, value })),
    }),
  ).finish()
}
