import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { BACKENDS, type BackendName, selectBackend } from '#models/backend.ts'
import { CLOCK_NAMES, type Clock, type Table } from './suite.ts'
import { SUITES } from './suites.ts'

/** `npm run bench -- [--backend wasm] [--seconds 3] [--clock wall|cpu] [--python PATH] [--json] [suite ...]` */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    backend: { type: 'string', default: 'wasm' },
    seconds: { type: 'string', default: '3' },
    clock: { type: 'string', default: 'wall' },
    python: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})
const wanted = positionals.length > 0 ? positionals : Object.keys(SUITES)
const seconds = Number(values.seconds)
const clock = values.clock as Clock
if (
  wanted.some((name) => !Object.hasOwn(SUITES, name)) ||
  !(BACKENDS as readonly string[]).includes(values.backend) ||
  !(CLOCK_NAMES as readonly string[]).includes(values.clock) ||
  !(seconds > 0)
) {
  const suites = Object.keys(SUITES).join(', ')
  process.stderr.write(
    `error: bench takes ${suites}, --backend ${BACKENDS.join('|')}, --seconds, --clock ${CLOCK_NAMES.join('|')}, --python PATH and --json\n`,
  )
  process.exit(2)
}

// A document on stdout stays one document: whatever is meant for the eye goes past it.
const say = (line: string) => (values.json ? process.stderr : process.stdout).write(`${line}\n`)
const backend = await selectBackend(values.backend as BackendName)
say(`backend ${backend.name}: ${backend.reason}`)
const suites: Record<string, readonly Table[]> = {}
for (const name of wanted) {
  suites[name] = await SUITES[name]({ seconds, clock, backend: backend.name, python: values.python })
  for (const table of suites[name]) say(`\n${describe(table)}`)
}
const peakMegabytes = Math.round(process.resourceUsage().maxRSS / 1024)
say(`\npeak memory of this process ${peakMegabytes} MB`)
if (values.json) {
  const machine = {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cores: cpus().length,
    cpu: cpus()[0]?.model,
  }
  process.stdout.write(`${JSON.stringify({ machine, backend, seconds, clock, suites, peakMegabytes }, null, 2)}\n`)
}
process.exit(0)

function describe({ title, unit, rows, remarks = [] }: Table): string {
  const width = Math.max(...rows.map((row) => row.case.length))
  const lines = rows.map(({ case: label, median, p99, ratio }) => {
    const tail = p99 === undefined ? '' : `  p99 ${p99.toFixed(3).padStart(9)}`
    return `  ${label.padEnd(width)}  ${median.toFixed(3).padStart(9)}${tail}  ${ratio.toFixed(2)} x`
  })
  return [`${title}; ${unit}`, ...lines, ...remarks.map((remark) => `  ${remark}`)].join('\n')
}
