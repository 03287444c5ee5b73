import { type BackendName, selectBackend } from '#models/backend.ts'
import { promisedCase, WAYS } from './gradient.ts'

/** Takes ten gradients in the way named and prints the peak resident memory, MB: a process of its own per way. */
const [backend, way] = process.argv.slice(2)
await selectBackend(backend as BackendName)
const work = WAYS[way](promisedCase())
for (let i = 0; i < 10; i++) await work()
process.stdout.write(String(process.resourceUsage().maxRSS / 1024))
process.exit(0)
