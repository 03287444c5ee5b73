import type { Command } from 'commander'
import { registerPipelineCommand } from '../pipeline-command.ts'
import { describeAudit } from '../summaries/audit.ts'

const HELP = `
Computes features, the champions' estimates and the wheel's decisions twice: from all bars, and from those that were
known at random moments. What was known then must come out the same to the last bit; exit code 1 if it does not.

Examples:
  millrace audit causality --source csv --data ../data
  millrace audit causality --source simulated --json`

/** `audit causality`: proves on the user's own data that nothing sees the future. */
export function registerAudit(program: Command): void {
  const audit = program.command('audit').description('checks that can be run on your own data')
  registerPipelineCommand(audit, {
    name: 'causality',
    description: 'prove on your data that nothing sees the future',
    flags: ['data', 'versions', 'place'],
    help: HELP,
    load: async () => (await import('#jobs/pipeline/audit.ts')).auditCommand,
    describe: describeAudit,
    failed: (summary) => !summary.causal,
  })
}
