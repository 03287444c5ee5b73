import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ModelError } from '#data/errors.ts'
import { createRandom, type Random } from '#data/random.ts'
import {
  type Architecture,
  CdeConfiguration,
  drivingChannels,
  ENCODERS,
  type EncoderName,
  pathChannels,
} from '#models/classifier/architecture.ts'
import { encoders } from '#models/classifier/encoders.ts'
import { parameterCount, splitParameters } from '#models/classifier/parameters.ts'
import { writeHmmGraph } from '#models/onnx/hmm-graph.ts'
import { writeHmmStep } from '#models/onnx/hmm-step.ts'
import { writeNeuralCdeGraph } from '#models/onnx/neural-cde-graph.ts'
import { writeNeuralCdeStep } from '#models/onnx/neural-cde-step.ts'
import { writeTrainingGraph, writeValidationGraph } from '#models/onnx/training-graph.ts'
import type { Scaling } from '#models/scaling.ts'
import { randomHmm } from '../models/hmm/toy.ts'

/** One input of a graph. */
export interface CaseInput {
  readonly dims: readonly number[]
  readonly values: Float32Array
}

/** A graph with seeded weights and what to run it on. */
export interface OnnxCase {
  readonly name: string
  /** The function that writes the graph: every one of `models/onnx/` must stand here. */
  readonly writer: (...parameters: never[]) => Uint8Array
  readonly write: () => Uint8Array
  /** Seed of the inputs. */
  readonly seed: number
  /** Inputs by name for each run: graphs are dynamic in their batch and knots. */
  readonly runs: readonly Readonly<Record<string, CaseInput>>[]
}

const CHANNELS = ['return', 'return12', 'volatility', 'funding', 'range']
const SCALING: Scaling = { channels: CHANNELS, median: [0, 0.1, -0.2, 0.3, 0], iqr: [1.2, 1.1, 0.6, 0.4, 0.9] }

/** Values of a window or a knot: some missing, and where they are, something that must not matter. */
function observations(random: Random, dims: readonly number[]): { features: CaseInput; mask: CaseInput } {
  const features = new Float32Array(dims.reduce((product, n) => product * n, 1))
  const mask = new Float32Array(features.length)
  for (let i = 0; i < features.length; i++) {
    mask[i] = random.uniform() < 0.2 ? 0 : 1
    features[i] = mask[i] ? 1.5 * random.normal() : random.uniform() < 0.5 ? Number.NaN : 1e6
  }
  return { features: { dims, values: features }, mask: { dims, values: mask } }
}

/** Windows with uneven hours. */
function windowInputs(random: Random, batch: number, knots: number, channels: number): Record<string, CaseInput> {
  const hours = new Float32Array(batch * knots)
  for (let i = 0; i < hours.length; i++)
    hours[i] = i % knots === 0 ? 0 : hours[i - 1] + 1 + random.integer(30) ** 2 / 30
  return { ...observations(random, [batch, knots, channels]), hours: { dims: [batch, knots], values: hours } }
}

/** One knot of streams of which some begin. A state is `[batch, size]`, as `stateOf` draws it. */
function stepInputs(random: Random, batch: number, channels: number, size: number, stateOf: (r: Random) => number[]) {
  const first = Float32Array.from({ length: batch }, (_, n) => (n % 3 === 1 ? 1 : 0))
  const elapsed = Float32Array.from({ length: batch }, () => 1 + random.integer(30))
  const state = Float32Array.from(Array.from({ length: batch }, () => stateOf(random)).flat())
  return {
    ...observations(random, [batch, channels]),
    state: { dims: [batch, size], values: state },
    elapsed: { dims: [batch], values: elapsed },
    first: { dims: [batch], values: first },
  }
}

/** Weights as large as an encoder starts with; biases too are not zero. */
function weightsOf(architecture: Architecture, seed: number): Float32Array {
  const random = createRandom(seed)
  const vector = new Float32Array(parameterCount(architecture))
  const { initialScale } = encoders[architecture.encoder]
  for (const [name, { shape, values }] of Object.entries(splitParameters(architecture, vector))) {
    const deviation = shape.length === 1 ? 0.2 : (initialScale?.(name) ?? 1) / Math.sqrt(shape[0])
    for (let i = 0; i < values.length; i++) values[i] = deviation * random.normal()
  }
  return vector
}

const batches = [1, 7]
const lengths = [1, 2, 12]

/** The window's graph and the streaming step of one classifier of control paths. */
function classifierCases(name: string, changes: Partial<Architecture>, seed: number): OnnxCase[] {
  const architecture = architectureOf(changes)
  const weights = weightsOf(architecture, seed)
  const channels = architecture.channels.length
  const size = pathChannels(architecture) + architecture.hidden
  const random = createRandom(seed).fork('inputs')
  const normals = (r: Random) => Array.from({ length: size }, () => r.normal())
  const metadata = { channels: architecture.channels.join() }
  return [
    {
      name: `${name}-window`,
      writer: writeNeuralCdeGraph,
      write: () => writeNeuralCdeGraph(architecture, weights, SCALING, metadata),
      seed,
      runs: lengths.flatMap((knots) => batches.map((batch) => windowInputs(random, batch, knots, channels))),
    },
    {
      name: `${name}-step`,
      writer: writeNeuralCdeStep,
      write: () => writeNeuralCdeStep(architecture, weights, SCALING, metadata),
      seed,
      runs: batches.map((batch) => stepInputs(random, batch, channels, size, normals)),
    },
  ]
}

/** Every choice of a configuration that changes the nodes of the encoder's graphs. */
function encoderCases(encoder: EncoderName, seed: number): OnnxCase[] {
  const of = (name: string, changes: Partial<Architecture>, at: number) =>
    classifierCases(`${encoder}-${name}`, { encoder, ...changes }, seed + at)
  const withoutDirection = CHANNELS.map((channel) => (channel === 'return12' ? 'volumeTrend' : channel))
  const solvers = CdeConfiguration.shape.solver.unwrap().options
  return [
    ...solvers.flatMap((solver, i) => [
      ...of(solver, { solver }, i),
      ...of(`${solver}-counted`, { solver, counted: ['return', 'volatility', 'range'] }, 10 + i),
    ]),
    ...of('context', { counted: ['return'], context: ['funding', 'range'] }, 22),
    ...of('without-direction', { channels: withoutDirection }, 20),
    ...of('as-configured', { ...CdeConfiguration.parse({}), encoder, knots: 24, counted: ['funding'] }, 21),
  ]
}

/** An encoder that has no graph cannot serve, and says so. */
function hasGraph(encoder: EncoderName): boolean {
  try {
    encoderCases(encoder, 1)[0].write()
    return true
  } catch (error) {
    if (error instanceof ModelError) return false
    throw error
  }
}

/** The graphs that training runs: the weights are inputs, and so is the control path. */
function trainingCases(solver: Architecture['solver'], seed: number): OnnxCase[] {
  const architecture = architectureOf({ encoder: 'plain', solver, counted: ['return'], context: ['funding', 'range'] })
  const weights = Object.entries(splitParameters(architecture, weightsOf(architecture, seed)))
  const random = createRandom(seed).fork('inputs')
  const normals = (...dims: number[]): CaseInput => ({
    dims,
    values: Float32Array.from({ length: dims.reduce((product, n) => product * n, 1) }, () => 0.3 * random.normal()),
  })
  const [driving, wide] = [drivingChannels(architecture), pathChannels(architecture)]
  const pathOf = (batch: number, steps: number) => ({
    ...Object.fromEntries(weights.map(([name, { shape, values }]) => [name, { dims: shape, values }])),
    initial: normals(batch, driving),
    increments: normals(steps, batch, driving),
    final: normals(batch, wide),
  })
  const targets = (batch: number) => ({
    wanted: {
      dims: [batch, 3],
      values: Float32Array.from({ length: batch * 3 }, (_, i) => (i % 3 === i % 2 ? 0.8 : 0.1)),
    },
    weights: { dims: [batch, 1], values: new Float32Array(batch).fill(1 / batch) },
    dropout: { dims: [batch, architecture.hidden], values: normals(batch, architecture.hidden).values.map(Math.abs) },
  })
  const sizes = batches.flatMap((batch) => [1, 11].map((steps) => [batch, steps] as const))
  return [
    {
      name: `training-${solver}-gradient`,
      writer: writeTrainingGraph,
      write: () => writeTrainingGraph(architecture),
      seed,
      runs: sizes.map(([batch, steps]) => ({ ...pathOf(batch, steps), ...targets(batch) })),
    },
    {
      name: `training-${solver}-validation`,
      writer: writeValidationGraph,
      write: () => writeValidationGraph(architecture),
      seed,
      runs: sizes.map(([batch, steps]) => pathOf(batch, steps)),
    },
  ]
}

function hmmCases(covarianceType: 'full' | 'diagonal', states: number, seed: number): OnnxCase[] {
  const model = randomHmm(seed, covarianceType, states)
  const random = createRandom(seed).fork('inputs')
  const channels = model.channels.length
  const distribution = (r: Random) => {
    const weights = Array.from({ length: states }, () => 0.01 + r.uniform())
    const sum = weights.reduce((total, weight) => total + weight, 0)
    return weights.map((weight) => weight / sum)
  }
  const named = (graph: string) => ({ name: `hmm-${covarianceType}-${graph}`, seed })
  return [
    {
      ...named('window'),
      writer: writeHmmGraph,
      write: () => writeHmmGraph(model, { channels: model.channels.join() }),
      runs: lengths.flatMap((knots) => batches.map((batch) => windowInputs(random, batch, knots, channels))),
    },
    {
      ...named('step'),
      writer: writeHmmStep,
      write: () => writeHmmStep(model, { channels: model.channels.join() }),
      runs: batches.map((batch) => stepInputs(random, batch, channels, states, distribution)),
    },
  ]
}

function architectureOf(changes: Partial<Architecture>): Architecture {
  const small = CdeConfiguration.parse({ hidden: 8, width: 6, readout: 5, block: 4 })
  return { ...small, channels: CHANNELS, counted: [], context: [], knots: 12, ...changes }
}

/**
 * Every kind of graph that millrace writes, with every choice that changes its nodes. Whoever adds a writer adds its
 * cases here and runs `python test/peers/onnx_graphs.py`; an encoder that gets a graph is found without being named.
 */
export function onnxCases(): OnnxCase[] {
  return [
    ...ENCODERS.filter(hasGraph).flatMap((encoder, i) => encoderCases(encoder, 100 * (i + 1))),
    ...trainingCases('euler', 5),
    ...trainingCases('heun', 6),
    ...hmmCases('full', 4, 7),
    ...hmmCases('diagonal', 3, 8),
  ]
}

export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** Digest of everything that a case's runs put in. */
export function inputsDigest({ runs }: OnnxCase): string {
  return sha256(
    Buffer.concat(
      runs.flatMap((inputs) => Object.values(inputs).map(({ values }) => Buffer.from(new Uint8Array(values.buffer)))),
    ),
  )
}

// Run by test/peers/onnx_graphs.py: writes NAME.onnx and NAME.json (inputs, null for NaN) of every case to a folder.
if (import.meta.main) {
  const folder = process.argv[2]
  mkdirSync(folder, { recursive: true })
  for (const one of onnxCases()) {
    const bytes = one.write()
    const runs = one.runs.map((inputs) =>
      Object.fromEntries(
        Object.entries(inputs).map(([name, { dims, values }]) => [name, { dims, values: [...values] }]),
      ),
    )
    const facts = { name: one.name, writer: one.writer.name, sha256: sha256(bytes), inputs: inputsDigest(one) }
    writeFileSync(join(folder, `${one.name}.onnx`), bytes)
    writeFileSync(join(folder, `${one.name}.json`), JSON.stringify({ ...facts, seed: one.seed, runs }))
  }
}
