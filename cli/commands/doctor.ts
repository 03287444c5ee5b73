import type { Command } from 'commander'
import { execute } from '../command.ts'
import { backendProbe } from '../doctor/backend.ts'
import { brokerProbe } from '../doctor/broker.ts'
import { type Check, examine } from '../doctor/check.ts'
import { fleetProbe } from '../doctor/fleet.ts'
import { modelsProbe } from '../doctor/models.ts'
import { networkProbe } from '../doctor/network.ts'
import { nodeProbe } from '../doctor/node.ts'
import { runtimeProbe } from '../doctor/runtime.ts'
import { storeProbe } from '../doctor/store.ts'
import { addFlags } from '../flags.ts'
import { layOut } from '../table.ts'

const HELP = `
Exit code 0 means that \`npm start\` would work, 1 that something it needs is missing.

Examples:
  millrace doctor
  millrace doctor --json
  REDIS_URL=redis://localhost:6379 millrace doctor --backend webgpu`

interface Diagnosis {
  readonly ready: boolean
  readonly checks: readonly Check[]
}

function describe({ ready, checks }: Diagnosis): string {
  const rows = checks.flatMap(({ name, finding, text, advice }) => [
    [name, finding, text],
    ...(advice ? [['', '', `-> ${advice}`]] : []),
  ])
  const missing = checks.filter(({ finding }) => finding === 'problem').map(({ name }) => name)
  return `${layOut(rows)}\n\n${ready ? '`npm start` would work' : `\`npm start\` would fail: ${missing.join(', ')}`}`
}

/** `doctor`: what this machine has, and what to do about what is missing. */
export function registerDoctor(program: Command): void {
  const command = program
    .command('doctor')
    .description('say what this machine has and what to do about what is missing')
  addFlags(command, ['data', 'training', 'place']).addHelpText('after', HELP)
  command.action(
    execute(async ({ configuration: { values }, output, context: { now, signal }, reportFailure }) => {
      const checks = await examine([
        nodeProbe,
        storeProbe(values),
        brokerProbe(values),
        backendProbe(values.training, signal),
        runtimeProbe,
        modelsProbe(values, now),
        fleetProbe(values),
        networkProbe(values, now, signal),
      ])
      signal.throwIfAborted()
      const ready = checks.every(({ finding }) => finding !== 'problem')
      await output.result({ ready, checks }, describe)
      if (!ready) reportFailure()
    }),
  )
}
