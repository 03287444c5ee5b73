import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import type { CardContent } from '#models/card.ts'
import { estimateHmm } from '#models/hmm/regime-model.ts'
import { writeHmmGraph } from '#models/onnx/hmm-graph.ts'
import type { ServedKind } from '#models/regime.ts'
import type { NewVersion } from '#models/registry.ts'
import { encodeSelfCheck, SELF_CHECK_FILE } from '#models/self-check.ts'
import { randomWindows } from './conformance.ts'
import { randomHmm } from './hmm/toy.ts'

/** 2025-04-01T12:00Z */
export const NOW = Date.UTC(2025, 3, 1, 12)

const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** A folder that is gone when the test file is done. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-registry-'))
  folders.push(folder)
  return folder
}

export function cardContent(kind: ServedKind, change: Partial<CardContent> = {}): CardContent {
  const { channels, knots, scaling } = randomHmm(1, 'full')
  return {
    kind,
    channels,
    knots,
    label: { w: 12, kappa: 1.05 },
    scaling,
    seed: 7,
    configuration: { states: [4] },
    data: { hash: 'abc', origin: 'test', coins: ['BTC'], range: { from: NOW - 1e9, to: NOW } },
    metrics: { macroF1: 0.5 },
    parity: { maxAbsDiff: 1e-7, windows: 16 },
    millrace: '0.1.0',
    ...change,
  }
}

/** A version that works. Registry and serving look at no more than its graph, whichever model that came from. */
export function workingVersion(kind: ServedKind, seed: number, change: Partial<CardContent> = {}): NewVersion {
  const model = randomHmm(seed, 'diagonal')
  const windows = randomWindows({ count: 20, knots: model.knots, channels: model.channels, seed })
  return {
    content: cardContent(kind, { seed, ...change }),
    files: {
      'model.onnx': writeHmmGraph(model, { kind }),
      'weights.json': Buffer.from(JSON.stringify(model)),
      [SELF_CHECK_FILE]: encodeSelfCheck(windows, estimateHmm(model, windows)),
    },
    now: NOW + seed,
  }
}
