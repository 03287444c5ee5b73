import type { Command } from 'commander'
import type { RunContext, RunSettings } from '#jobs/pipeline/settings.ts'
import { execute } from './command.ts'
import { addFlags, type FlagGroup } from './flags.ts'
import { toRunSettings } from './settings.ts'

/** A command that runs a part of the pipeline and shows what came of it. */
export interface PipelineCommand<Summary> {
  readonly name: string
  readonly description: string
  readonly flags: readonly FlagGroup[]
  /** Explanation and examples, below the flags. */
  readonly help: string
  /** Loads the pipeline only when it is to run: help and errors of usage must be quick. */
  readonly load: () => Promise<(settings: RunSettings, context: RunContext) => Promise<Summary>>
  /** The summary for people; `--json` prints it as it is. */
  readonly describe: (summary: Summary) => string
  /** Whether the summary is bad news, for which the exit code is 1. */
  readonly failed?: (summary: Summary) => boolean
}

/** Adds such a command to the program. */
export function registerPipelineCommand<Summary>(program: Command, spec: PipelineCommand<Summary>): void {
  const command = program.command(spec.name).description(spec.description)
  addFlags(command, spec.flags)
  command.addHelpText('after', spec.help).action(
    execute(async ({ configuration, output, context, reportFailure }) => {
      const settings = toRunSettings(configuration.values)
      const start = await spec.load()
      const summary = await start(settings, context)
      if (spec.failed?.(summary)) reportFailure()
      await output.result(summary, spec.describe)
    }),
  )
}
