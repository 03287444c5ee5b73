import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import puppeteer from 'puppeteer-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { FatalError } from '#data/errors.ts'
import type { BacktestReportData } from '#jobs/backtest/data.ts'
import { gatherBacktest } from '#jobs/backtest/gather.ts'
import type { LayerWorth } from '#jobs/backtest/layers.ts'
import { gatesOfSignals } from '#jobs/backtest/report/charts/decisions.ts'
import { type BacktestCharts, drawCharts } from '#jobs/backtest/report/charts.ts'
import { headline } from '#jobs/backtest/report/headline.ts'
import { renderBacktestPage } from '#jobs/backtest/report/page.ts'
import { type BacktestReportFiles, writeBacktestReport } from '#jobs/backtest/report/report.ts'
import { backtestPlans } from '#jobs/backtest/report/tables.ts'
import { decimals, percent } from '#jobs/backtest/report/words.ts'
import { buildPlans } from '#training/report/tables.ts'
import { temporaryFolder } from '../../models/versions.ts'
import { sampleOutcome } from './sample.ts'

const data = gatherBacktest(sampleOutcome())
const page = async (shown: BacktestReportData) =>
  renderBacktestPage(shown, await buildPlans(backtestPlans(shown)), await drawCharts(shown))

const worth = (estimate: number, low: number, high: number): LayerWorth => ({
  annualReturn: { estimate, low, high },
  dollars: { estimate: 1000 * estimate, low: 1000 * low, high: 1000 * high },
  p: 0.5,
  hours: 900,
})

/** The sample with another lead over doing nothing, and layers of these verdicts. */
function judged(lead: LayerWorth, verdicts: Record<string, 'pays' | 'costs' | 'open'>): BacktestReportData {
  const [nothing, ...others] = data.baselines
  const layers = Object.entries(verdicts).map(([name, verdict]) => ({
    ...data.layers[0],
    name: `without ${name}`,
    worth: worth(verdict === 'costs' ? -0.1 : 0.1, -0.2, 0.2),
    corrected: verdict === 'open' ? 0.4 : 0.01,
  }))
  return { ...data, baselines: [{ ...nothing, worth: lead } as typeof nothing, ...others], layers }
}

describe('the headline', () => {
  it('says what was earned, beside doing nothing and holding BTC', () => {
    const { net } = data.split.total
    const [first] = headline(data).sentences
    expect(first).toContain(
      `The wheel ${net < 0 ? 'lost' : 'earned'} ${Math.abs(net).toFixed(2)} USD on paper in 38 days`,
    )
    expect(first).toMatch(/doing nothing earned 0, holding BTC (lost|earned) [\d,.]+\.$/)
  })

  it('calls luck what may be luck', () => {
    const say = (lead: LayerWorth) => headline(judged(lead, {}))
    expect(say(worth(0.1, -0.05, 0.3))).toMatchObject({ convincing: false })
    expect(say(worth(0.1, -0.05, 0.3)).sentences[1]).toContain('−5.0 % to +30.0 %, which contains zero: it may be luck')
    expect(say(worth(0.1, 0.02, 0.3))).toMatchObject({ convincing: true })
    expect(say(worth(0.1, 0.02, 0.3)).sentences[1]).toContain('leaves out zero')
    expect(say(worth(-0.1, -0.3, -0.02)).sentences[1]).toContain('standing aside was better by +100.00 USD')
    expect(say(worth(0.1, Number.NaN, Number.NaN)).sentences[1]).toContain('too short a time')
  })

  it('names the layers that pay for themselves, those that cost, and how many are open', () => {
    const say = (verdicts: Parameters<typeof judged>[1]) => headline(judged(worth(0, -1, 1), verdicts)).sentences[2]
    expect(say({ regimes: 'pays', gates: 'pays', flow: 'costs', rotation: 'open' })).toBe(
      'Of 4 layers regimes and gates pay for themselves; flow costs more than it brings; of the other 1 it cannot be told.',
    )
    expect(say({ regimes: 'open', gates: 'open' })).toBe(
      'Of none of the 2 layers can it be told whether it pays for itself.',
    )
    expect(say({})).toBeUndefined()
  })
})

describe('the page on a backtest', () => {
  let html: string
  beforeAll(async () => {
    html = await page(data)
  })

  it('needs nothing from elsewhere and runs nothing', () => {
    expect(html).not.toMatch(/<script|javascript:|\son\w+=|@import/i)
    expect([...html.matchAll(/(?:src|href)="([^"]*)"/g)].every(([, to]) => /^(#|data:)/.test(to))).toBe(true)
  })

  it('has no id twice and no link into nothing', () => {
    const ids = [...html.matchAll(/ id="([^"]+)"/g)].map((match) => match[1])
    expect(new Set(ids).size).toBe(ids.length)
    for (const [, target] of html.matchAll(/href="#([^"]+)"/g)) expect(ids).toContain(target)
  })

  it('shows every trade, every gate, every coin, every scanner and every protection', () => {
    const rowsOf = (caption: string) => {
      const [, table] = new RegExp(`<figcaption>${caption}[\\s\\S]*?<tbody>([\\s\\S]*?)</tbody>`).exec(html)!
      return table.match(/<tr>/g)!.length
    }
    expect(rowsOf('Every closed trade')).toBe(data.trades.length)
    expect(rowsOf('Every gate')).toBe(data.rejections.counts.length)
    expect(rowsOf('The same by coin')).toBe(3)
    expect(rowsOf('Net = prices')).toBe(Object.keys(data.split.bySource).length + 1)
    expect(rowsOf('Protections')).toBe(data.protections.length)
    expect(rowsOf('The wheel less')).toBe(2)
  })

  it('hides no step down and no limit', () => {
    expect(html).toContain('no estimates before 2024-12-06')
    expect(html).toContain('What this backtest does not tell')
  })

  it('shows no missing value as a word of the machine', async () => {
    const still = gatherBacktest(sampleOutcome({ hours: 3, variants: 0, coins: ['ETH'] }))
    expect(still.trades).toEqual([])
    for (const shown of [html, await page(still)]) {
      const text = shown.replace(/<style[\s\S]*?<\/style>|<[^>]+>/g, ' ')
      expect(text).not.toMatch(/\bundefined\b|\bnull\b|\[object|Infinity|\bNaN\b/)
    }
    expect(await page(still)).toContain('The wheel never traded')
  })

  it('escapes every text, wherever it comes from', async () => {
    const evil = '<script>alert("1")</script>'
    const result = await page({
      ...data,
      origin: evil,
      coins: [evil],
      model: { words: evil, degradations: [evil] },
      layers: data.layers.map((layer) => ({ ...layer, name: evil, words: evil })),
      trades: data.trades.map((trade) => ({ ...trade, coin: evil, reason: evil, sources: { [evil]: 1 } })),
      split: {
        ...data.split,
        byCoin: { [evil]: { ...data.split.total, trades: 1 } },
        bySource: { [evil]: data.split.total },
      },
      rejections: { counts: [{ gate: evil, words: evil, count: 1 }], byMonth: { '2025-01': { [evil]: 1 } } },
      protections: data.protections.map((protection) => ({ ...protection, reason: evil, scope: evil })),
    })
    expect(result).not.toMatch(/<script/i)
    expect(result).toContain('&lt;script&gt;')
  })
})

describe('the pictures', () => {
  let charts: BacktestCharts
  beforeAll(async () => {
    charts = await drawCharts(data)
  })

  it('are the same in every run, and all there', async () => {
    expect(await drawCharts(data)).toEqual(charts)
    const names = Object.values(charts).flatMap((each: BacktestCharts['equity']) => each.map(({ name }) => name))
    expect(names).toEqual([
      ...['equity', 'drawdown', 'split', 'sources', 'exposure', 'coins'],
      ...['layers-return', 'layers-dollars', 'leads', 'gates', 'months', 'weights', 'trades'],
    ])
  })

  it('leave out where no scanner could speak: that is no signal turned down', () => {
    const counts = ['flow (unavailable)', 'regime (unavailable)', 'signal', 'edge'].map((gate) => ({
      gate,
      words: gate,
      count: 1,
    }))
    const shown = gatesOfSignals({ ...data, rejections: { ...data.rejections, counts } })
    expect(shown.map(({ gate }) => gate)).toEqual(['regime (unavailable)', 'edge'])
  })

  it('draw a mark for every trade and a bar for every gate', () => {
    const marks = charts.trades[0].svg.match(/fill="#(009e73|d55e00)"/gi)!
    expect(marks).toHaveLength(data.trades.length)
    const bars = charts.rejections[0].svg.match(/fill="#0072b2"/g)!
    expect(bars).toHaveLength(data.rejections.counts.length - 1)
  })
})

describe('the files', () => {
  let files: BacktestReportFiles
  beforeAll(async () => {
    files = await writeBacktestReport(data, join(temporaryFolder(), 'a', 'b'))
  })

  it('hold what the page was made of, hour by hour and trade by trade', () => {
    const json = JSON.parse(readFileSync(files.json, 'utf8')) as BacktestReportData
    expect(json.equity).toEqual(data.equity)
    expect(json.split).toEqual(data.split)
    const lines = (name: string) =>
      readFileSync(join(dirname(files.html), `${name}.csv`), 'utf8')
        .trimEnd()
        .split('\r\n')
    expect(lines('hours')).toHaveLength(1 + data.equity.time.length)
    const last = lines('hours').at(-1)!.split(',')
    expect(Number(last[1])).toBe(data.equity.value.at(-1))
    expect(lines('trades')).toHaveLength(1 + data.trades.length)
    expect(files.csv.every((path) => existsSync(path))).toBe(true)
  })

  it('are refused where they cannot be written', async () => {
    await expect(writeBacktestReport(data, files.json)).rejects.toThrow(FatalError)
  })

  const executablePath = [process.env.CHROMIUM_PATH, '/usr/bin/chromium', '/usr/bin/google-chrome'].find(
    (path) => path !== undefined && existsSync(path),
  )
  it.skipIf(!executablePath)(
    'open in a browser without overflow or complaint (needs Chromium: CHROMIUM_PATH)',
    async () => {
      const browser = await puppeteer.launch({
        executablePath,
        args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
      })
      try {
        const tab = await browser.newPage()
        const complaints: string[] = []
        tab.on('console', (message) => complaints.push(message.text()))
        tab.on('pageerror', (error) => complaints.push(String(error)))
        for (const width of [1280, 390]) {
          await tab.setViewport({ width, height: 900 })
          await tab.goto(pathToFileURL(files.html).href)
          expect(await tab.evaluate('document.documentElement.scrollWidth')).toBe(width)
          const smallest =
            await tab.evaluate(`Math.min(...[...document.querySelectorAll('figure.chart svg')].map((svg) =>
          svg.getBoundingClientRect().width))`)
          expect(smallest).toBeGreaterThan(200)
        }
        expect(complaints).toEqual([])
      } finally {
        await browser.close()
      }
    },
  )
})

describe('a number', () => {
  it('has a true minus, and none before a zero', () => {
    expect([decimals(-1.26), decimals(-0.04), decimals(0.123, 2)]).toEqual(['−1.3', '0.0', '0.12'])
  })
})

describe('a percentage', () => {
  it('has a sign and no needless digits', () => {
    expect([0.1234, -0.1234, 0.00456, -0.00012, 0, Number.NaN].map(percent)).toEqual([
      '+12.3 %',
      '−12.3 %',
      '+0.46 %',
      '−0.012 %',
      '0 %',
      '–',
    ])
  })
})
