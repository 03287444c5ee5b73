import { appendFile, mkdtemp, readFile, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Progress } from '#data/progress.ts'
import { auditCommand } from '#jobs/pipeline/audit.ts'
import { evaluateCommand } from '#jobs/pipeline/evaluate.ts'
import { inferCommand } from '#jobs/pipeline/infer.ts'
import { type RunSummary, runPipeline } from '#jobs/pipeline/run.ts'
import type { RunSettings } from '#jobs/pipeline/settings.ts'
import { SERVED_KINDS } from '#models/regime.ts'
import { openRegistry } from '#models/registry.ts'
import { promoteVersions } from '#models/registry-promotion.ts'
import { WheelOptions } from '#src/options.ts'
import { TrainingOptions } from '#training/options.ts'
import { EvaluationOptions } from '#training/walk-forward/options.ts'
import { silentLogger } from '../silent-logger.ts'

const COINS = ['BTC', 'ETH', 'SOL']

/** A small run: three simulated coins over two months, a small net, two epochs. */
function smallRun(directory: string, fleet: Partial<RunSettings['fleet']>): RunSettings {
  return {
    source: { source: 'simulated', seed: 3, hours: 1500, coins: ['BTC', 'ETH', 'SOL'] },
    coins: COINS,
    seed: 5,
    training: TrainingOptions.parse({
      backend: 'wasm',
      knots: 12,
      architecture: { hidden: 8, width: 8, readout: 8, solver: 'euler' },
      cde: { epochs: 2, batch: 128 },
      hmm: { states: [3], restarts: 2, iterations: 10 },
    }),
    evaluation: EvaluationOptions.parse({ folds: 2, seeds: 1, threads: 1, resamples: 200, shuffles: 99 }),
    wheel: WheelOptions.parse({}),
    fleet: { namespace: `test_${process.pid}`, workers: 2, concurrency: 1, ...fleet },
    paths: { state: directory, models: join(directory, 'models'), reports: join(directory, 'reports') },
  }
}

/** What a whole run must do, whichever broker carries it. */
export function describeRun(broker: 'redis' | 'postgres', fleet: Partial<RunSettings['fleet']>): void {
  describe(`a whole run on ${broker}`, () => {
    const stages = new Set<string>()
    const context = {
      now: () => Date.UTC(2026, 0, 5),
      progress: ({ stage }: Progress) => stages.add(stage),
      logger: silentLogger,
    }
    let directory: string
    let settings: RunSettings
    /** The same, with the versions that the run has trained, champions or not. */
    let challengers: RunSettings
    let run: RunSummary

    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'millrace-run-'))
      settings = smallRun(directory, fleet)
      challengers = { ...settings, versions: 'challenger' }
      run = await runPipeline(settings, context)
    }, 120_000)
    afterAll(() => rm(directory, { recursive: true, force: true }))

    it('says what it ran on', () => {
      expect(run.source).toBe('simulated')
      expect(run.coins).toEqual(COINS)
      expect(Date.parse(run.range.to)).toBeGreaterThan(Date.parse(run.testFrom))
      expect(run.dataset.bars).toBe(3 * 1500)
      const { chop, trend, reversal } = run.dataset.classShare
      expect(chop + trend + reversal).toBeCloseTo(1, 9)
      expect(run.backend.name).toBe('wasm')
      expect([...stages]).toEqual(
        expect.arrayContaining(['bars', 'fleet', 'train cde', 'train hmm', 'infer', 'evaluate', 'wheel', 'report']),
      )
    })

    it('scores every model on every coin, below the best possible', () => {
      for (const model of ['cde', 'hmm', 'rule', 'linear']) {
        const { macroF1, accuracy, perCoin, f1 } = run.evaluation[model]
        expect(macroF1).toBeCloseTo((f1.chop + f1.trend + f1.reversal) / 3, 9)
        expect(accuracy).toBeGreaterThan(0.3)
        expect(Object.keys(perCoin)).toEqual(COINS)
        expect(macroF1).toBeLessThan(run.evaluation.optimum.macroF1)
      }
    })

    it('exports graphs that give what was trained', async () => {
      for (const { path, maxAbsDiff } of [run.onnx.cde, run.onnx.hmm]) {
        expect(maxAbsDiff).toBeLessThan(1e-5)
        expect((await readFile(path)).length).toBeGreaterThan(1000)
      }
    })

    it('has two worker processes share the inference', () => {
      expect(run.inference).toMatchObject({ broker, workers: 2, degradations: [] })
      expect(run.inference.windows).toBeGreaterThan(700)
      expect(run.inference.jobs).toBeGreaterThanOrEqual(8)
    })

    it('serves its own round from what it has trained, and promotes only what its verdict ships', async () => {
      const { ship, fallback } = run.verdict
      const registry = openRegistry(settings.paths.models)
      const first = ship === 'hmm' ? 'hmm' : 'cde'
      const own = await registry.resolve(first, 'challenger')
      expect(run.inference.servedBy).toEqual({ kind: first, id: own })
      expect(run.inference.why).toContain(`pinned: ${first.toUpperCase()} ${own} was trained by this run`)
      expect(await readFile(run.report.html, 'utf8')).toContain('was trained by this run')
      for (const kind of SERVED_KINDS) {
        const promoted = kind === ship || kind === fallback
        expect(run.promotion[kind]).toMatchObject({ kind, promoted, forced: false })
        expect(await registry.find(kind, 'champion')).toBe(promoted ? run.promotion[kind]?.id : undefined)
      }
    })

    it('turns a wheel whose books close to the micro-dollar', () => {
      const { decisions, micro } = run.wheel
      expect(decisions).toBeGreaterThan(700)
      expect(micro.equityChange).toBe(micro.realised + micro.funding - micro.fees)
    })

    it('writes a report that people and programs can read', async () => {
      expect(await readFile(run.report.html, 'utf8')).toContain('<svg')
      expect(JSON.parse(await readFile(run.report.json, 'utf8')).seed).toBe(5)
    })

    // What no broker has a part in is tested beside one of them.
    if (broker === 'postgres') {
      it('gives the same metrics for the same seed', async () => {
        const again = await mkdtemp(join(tmpdir(), 'millrace-again-'))
        try {
          const second = await runPipeline(smallRun(again, fleet), context)
          expect(second.evaluation).toEqual(run.evaluation)
          expect(second.wheel).toEqual(run.wheel)
          expect(second.onnx.cde.maxAbsDiff).toBe(run.onnx.cde.maxAbsDiff)
        } finally {
          await rm(again, { recursive: true, force: true })
        }
      }, 120_000)

      it('evaluates every kind of model walk-forward, and its own versions beside them without training them again', async () => {
        const { champions, walkForward, verdict, report } = await evaluateCommand(challengers, context)
        expect(champions.evaluation?.models.cde.macroF1).toBe(run.evaluation.cde.macroF1)
        expect(walkForward.folds).toHaveLength(2)
        expect(walkForward.contestants.cde.fits).toHaveLength(2)
        expect(['cde', 'hmm', 'none']).toContain(verdict.ship)
        expect(await readFile(report.html, 'utf8')).toContain('<svg')
      }, 120_000)

      it('does not score a version on what it was trained on, and says so', async () => {
        const testFrom = Date.parse(run.testFrom) - 24 * 3_600_000
        const { champions } = await evaluateCommand({ ...challengers, testFrom }, context)
        expect(champions.evaluation).toBeUndefined()
        expect(champions.remark).toMatch(/has seen the answers/)
      }, 120_000)

      it('proves on its own data that nothing sees the future', async () => {
        const { causal, checks } = await auditCommand(challengers, context)
        expect(checks.map(({ what }) => what)).toEqual([
          'features',
          'estimates of the CDE',
          'estimates of the HMM',
          'decisions of the wheel',
        ])
        for (const { compared } of checks) expect(compared).toBeGreaterThan(0)
        expect(causal).toBe(true)
      })
    }

    it('steps down to the HMM when the champion is tampered with, and to nothing when both are gone', async () => {
      const registry = openRegistry(settings.paths.models)
      const versions = SERVED_KINDS.map((kind) => ({ kind, id: run.promotion[kind]!.id }))
      await promoteVersions(registry, versions, { now: context.now(), force: 'the test wants champions' })
      const healthy = await inferCommand(settings, context)
      expect(healthy.inference.why).toBe('the champions serve')
      expect(healthy.estimates.map(({ coin, model }) => [coin, model])).toEqual(
        COINS.map((coin) => [coin, healthy.inference.servedBy.id]),
      )

      await appendFile(run.onnx.cde.path, 'x')
      const degraded = await inferCommand(settings, context)
      expect(degraded.inference.servedBy.kind).toBe('hmm')
      expect(degraded.inference.degradations.join()).toMatch(/champion CDE is unusable.*HMM serves instead.*bytes/)
      expect(degraded.estimates).toHaveLength(3)

      await truncate(run.onnx.hmm.path, 100)
      const nothing = await inferCommand(settings, context)
      expect(nothing.inference.servedBy.kind).toBe('none')
      expect(nothing.estimates).toEqual([])
      expect(nothing.missing).toEqual(COINS)
    }, 60_000)
  })
}
