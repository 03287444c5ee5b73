import { parseArgs } from 'node:util'
import { BACKENDS, type BackendName, selectBackend } from '#models/backend.ts'
import { gradient } from './gradient.ts'
import { inference } from './inference.ts'
import { runSuite } from './suite.ts'

/** `npm run bench -- [--backend wasm] [--seconds 3] [gradient | inference]` */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { backend: { type: 'string', default: 'wasm' }, seconds: { type: 'string', default: '3' } },
})
const suites = { gradient, inference }
const wanted = positionals.length > 0 ? positionals : Object.keys(suites)
const unknown = wanted.find((name) => !(name in suites))
if (
  unknown !== undefined ||
  !(BACKENDS as readonly string[]).includes(values.backend) ||
  !(Number(values.seconds) > 0)
) {
  process.stderr.write(
    `error: bench takes ${Object.keys(suites).join(', ')}, --backend ${BACKENDS.join('|')} and --seconds\n`,
  )
  process.exit(2)
}
const backend = await selectBackend(values.backend as BackendName)
process.stdout.write(`backend ${backend.name}: ${backend.reason}\n`)
for (const name of wanted as (keyof typeof suites)[]) {
  const suite = suites[name]
  process.stdout.write(`\n${suite.name}; ${suite.unit}\n`)
  for (const { case: label, median, p99, ratio } of await runSuite(suite, Number(values.seconds))) {
    const numbers = `median ${median.toFixed(3).padStart(8)}  p99 ${p99.toFixed(3).padStart(8)}`
    process.stdout.write(`  ${label.padEnd(28)} ${numbers}  ${ratio.toFixed(2)} x\n`)
  }
}
process.stdout.write(`\npeak memory ${Math.round(process.resourceUsage().maxRSS / 1024)} MB\n`)
process.exit(0)
