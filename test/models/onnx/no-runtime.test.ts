import { expect, test, vi } from 'vitest'
import { FatalError } from '#data/errors.ts'
import { writeHmmGraph } from '#models/onnx/hmm-graph.ts'
import { openOnnxSession } from '#models/onnx/session.ts'
import { openRegistry } from '#models/registry.ts'
import { openServing } from '#models/serving.ts'
import { randomHmm } from '../hmm/toy.ts'
import { cardContent, NOW, temporaryFolder } from '../versions.ts'

/** A machine on which the native library is not there. */
vi.mock('onnxruntime-node', () => {
  throw new Error('libonnxruntime.so.1: cannot open shared object file')
})

const graph = writeHmmGraph(randomHmm(1, 'diagonal'), {})

test('without the native runtime no graph is opened, and the error says what to do', async () => {
  await expect(openOnnxSession(graph)).rejects.toThrow(FatalError)
  await expect(openOnnxSession(graph)).rejects.toThrow(/onnxruntime-node cannot be loaded.*npm ci/)
})

test('without the native runtime serving does not blame the models', async () => {
  const registry = openRegistry(temporaryFolder())
  const { id } = await registry.save({ content: cardContent('hmm'), files: { 'model.onnx': graph }, now: NOW })
  await registry.promote('hmm', id, 'champion', 'test', NOW)
  await expect(openServing(registry, { now: NOW })).rejects.toThrow(FatalError)
})
