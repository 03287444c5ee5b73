import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { createFleetMetrics } from '#jobs/watch/metrics.ts'
import { wrongWith } from './command-line.ts'

/** Every series that the home process can expose. */
const exposed = new Set(
  createFleetMetrics(0)
    .registry.getMetricsAsArray()
    .flatMap((metric) => {
      const { name } = metric
      return (metric as unknown as { type: string }).type === 'histogram'
        ? [`${name}_bucket`, `${name}_sum`, `${name}_count`]
        : [name]
    }),
)
const labels = new Set(['queue', 'state', 'outcome', 'step', 'kind', 'id', 'rule', 'le', 'name', 'job', 'instance'])

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly action: string }
}
const { groups } = parse(readFileSync('deploy/prometheus/rules.yml', 'utf8')) as { groups: { rules: Rule[] }[] }
const rules = groups.flatMap((group) => group.rules)

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: { readonly expr: string }[]
}
const board = JSON.parse(readFileSync('deploy/grafana/dashboards/millrace.json', 'utf8')) as {
  uid: string
  panels: Panel[]
}
const expressions = board.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))

/** Names of ours that no metric has, and labels that none carries. */
function unknownIn(expression: string): string[] {
  const names = [...expression.matchAll(/\bmillrace_\w+/g)].map(([name]) => name)
  const grouped = [...expression.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list]) => list.split(/,\s*/))
  const matched = [...expression.matchAll(/[{,]\s*(\w+)=~?"/g)].map(([, label]) => label)
  return [
    ...names.filter((name) => !exposed.has(name)),
    ...[...grouped, ...matched].filter((label) => !labels.has(label)),
  ]
}

describe('alert rules for Prometheus', () => {
  it('speak of metrics that there are', () => {
    expect(rules.length).toBeGreaterThan(10)
    for (const { alert, expr } of rules) expect(unknownIn(expr), alert).toEqual([])
  })

  it('say how bad it is and what to do, with commands that there are', () => {
    for (const { alert, labels: given, annotations } of rules) {
      expect(alert).toMatch(/^Millrace[A-Z]/)
      expect(given.severity).toMatch(/^(warning|critical)$/)
      expect(annotations.action, alert).not.toBe('')
      for (const [, words] of annotations.action.matchAll(/`millrace ([^`]+)`/g)) {
        expect(wrongWith(words.split(' ')), `${alert}: ${words}`).toBeUndefined()
      }
    }
  })
})

describe('the dashboard', () => {
  it('shows metrics that there are', () => {
    expect(expressions.length).toBeGreaterThan(25)
    for (const expr of expressions) expect(unknownIn(expr), expr).toEqual([])
  })

  it('has panels that do not lie on each other', () => {
    const taken = new Set<string>()
    for (const { title, gridPos } of board.panels) {
      const { x, y, w, h } = gridPos
      expect(x + w, title).toBeLessThanOrEqual(24)
      for (let column = x; column < x + w; column++) {
        for (let line = y; line < y + h; line++) {
          expect(taken.has(`${column} ${line}`), title).toBe(false)
          taken.add(`${column} ${line}`)
        }
      }
    }
    expect(new Set(board.panels.map(({ id }) => id)).size).toBe(board.panels.length)
  })

  it('is found by what compose.yaml gives to Grafana', () => {
    const { providers } = parse(readFileSync('deploy/grafana/provisioning/dashboards/millrace.yml', 'utf8'))
    const compose = readFileSync('compose.yaml', 'utf8')
    expect(compose).toContain(`./deploy/grafana/dashboards:${providers[0].options.path}:ro`)
    const { datasources } = parse(readFileSync('deploy/grafana/provisioning/datasources/prometheus.yml', 'utf8'))
    expect(JSON.stringify(board)).toContain(datasources[0].uid)
    expect(compose).toContain('/etc/prometheus/prometheus.yml')
  })
})
