import { beforeAll, describe, expect, it } from 'vitest'
import { drawCharts } from '#training/report/charts.ts'
import type { ReportData } from '#training/report/data.ts'
import { renderPage } from '#training/report/page.ts'
import { buildTables } from '#training/report/tables.ts'
import { sampleReport } from './sample.ts'

async function page(data: ReportData): Promise<string> {
  return renderPage(data, await buildTables(data), await drawCharts(data))
}

describe('the report page', () => {
  const data = sampleReport({ coins: ['BTC', 'ETH'], hours: 400 })
  let html: string
  beforeAll(async () => {
    html = await page(data)
  })

  it('says what was run', () => {
    for (const words of [data.origin, 'BTC, ETH', data.backend.reason, '2025-05-20 09:30 UTC', '<dd>7</dd>']) {
      expect(html).toContain(words)
    }
  })

  it('puts verdict and macro-F1 of every model first', () => {
    expect(html).toMatch(/class="verdict (ship|none)">Ship [^<]+One test period and one seed/)
    expect([...html.matchAll(/class="name">([^<]+) macro-F1/g)].map((match) => match[1])).toEqual([
      'Neural CDE',
      'HMM',
      'Hand rule',
      'Linear',
    ])
    expect(html).toContain(data.evaluation.models.cde.macroF1.toFixed(3))
  })

  it('hides no fault: remarks, silence, steps down', () => {
    for (const { message } of data.dataset.notices) expect(html).toContain(message)
    expect(html).toContain('HMM left 30 of')
    expect(html).toContain('the CDE answered with NaN')
    expect(html).toContain('What this report does not tell')
  })

  it('needs nothing from elsewhere and runs nothing', () => {
    expect(html).not.toMatch(/<script|javascript:|\son\w+=|@import/i)
    expect([...html.matchAll(/(?:src|href)="([^"]*)"/g)].every(([, to]) => /^(#|data:)/.test(to))).toBe(true)
    expect([...html.matchAll(/url\(([^)]*)\)/g)].every(([, to]) => to.startsWith('#'))).toBe(true)
  })

  it('has no id twice and no link into nothing', () => {
    const ids = [...html.matchAll(/ id="([^"]+)"/g)].map((match) => match[1])
    expect(new Set(ids).size).toBe(ids.length)
    for (const [, target] of html.matchAll(/href="#([^"]+)"/g)) expect(ids).toContain(target)
  })

  it('shows no missing value as a word of the machine', () => {
    const text = html.replace(/<style[\s\S]*?<\/style>|<[^>]+>/g, ' ')
    expect(text).not.toMatch(/\bundefined\b|\bnull\b|\[object|Infinity/)
  })

  it('escapes every text, wherever it comes from', async () => {
    const evil = '<script>alert("1")</script>'
    const hostile = JSON.parse(JSON.stringify(sampleReport({ coins: [evil, 'ETH'], hours: 300 })), (_, value) =>
      value === null ? Number.NaN : value,
    ) as ReportData
    const result = await page({
      ...hostile,
      origin: evil,
      backend: { name: evil, reason: '"><img src=x onerror=alert(1)>' },
      inference: { ...hostile.inference, broker: evil, degradations: [evil], servedBy: { [evil]: 3 } },
      onnx: { [evil]: { path: evil, sha256: evil, maxAbsDiff: 0 } },
      dataset: { ...hostile.dataset, notices: [{ coin: evil, kind: 'gap', message: evil }] },
      wheel: { ...hostile.wheel, rejections: [{ reason: evil, count: 1 }] },
      seconds: { [evil]: 1 },
    })
    expect(result).not.toMatch(/<script|<img/i)
    expect(result).toContain('&lt;script&gt;')
  })

  it('speaks of the optimum and of the simulator on simulated data only', async () => {
    expect(html).not.toContain('Best possible')
    expect(html).not.toContain('The market was simulated')
    const simulated = await page(sampleReport({ coins: ['BTC'], hours: 400, simulated: true }))
    expect(simulated).toContain('Best possible')
    expect(simulated).toContain('The market was simulated')
  })

  it('says so when the wheel does not add up', async () => {
    const wheel = { ...data.wheel, equityChange: data.wheel.equityChange + 0.5 }
    expect(html).not.toContain('do not add up')
    expect(await page({ ...data, wheel })).toContain('do not add up')
  })
})
