import type { Command } from 'commander'
import { registerPipelineCommand } from '../pipeline-command.ts'
import { describeFetch } from '../summaries/fetch.ts'

const HELP = `
Loads hourly bars and funding of each coin. What a remote source serves is kept in the state folder, so that the next
time only what is new is asked for. Gaps are reported, never filled.

Examples:
  millrace fetch --source hyperliquid --coins BTC,ETH
  millrace fetch --source csv --data ../data --from 2025-01-01 --json`

/** `fetch`: gets the data and reports what they are like. */
export function registerFetch(program: Command): void {
  registerPipelineCommand(program, {
    name: 'fetch',
    description: 'fetch bars and funding, and say what is missing',
    flags: ['data', 'place'],
    help: HELP,
    load: async () => (await import('#jobs/pipeline/fetch.ts')).fetchCommand,
    describe: describeFetch,
  })
}
