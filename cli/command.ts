import type { Command } from 'commander'
import { InputError } from '#data/errors.ts'
import { redactLastWords } from '#jobs/last-words.ts'
import type { RunContext } from '#jobs/pipeline/settings.ts'
import { redact } from '#jobs/secrets.ts'
import type { LoadedConfiguration } from './config.ts'
import { loadConfiguration } from './config.ts'
import { describeFailure, EXIT, exitCodeOf } from './failure.ts'
import { flagLayer } from './flags.ts'
import { createOutput, type Output } from './output.ts'

/** What a command works with. */
export interface CommandContext {
  readonly configuration: LoadedConfiguration
  readonly output: Output
  /** Clock, progress, log and stop signal, as the pipeline takes them. */
  readonly context: RunContext & { readonly signal: AbortSignal }
  /** Makes the process end with 1 although the command itself did its work. */
  readonly reportFailure: () => void
}

/** After the first signal, how long a command may take to stop cleanly, milliseconds. */
const STOP_PATIENCE = 60_000

/** Aborts on SIGINT and SIGTERM; a second signal, or too long a stop, ends the process at once. */
function watchSignals(output: Output): {
  signal: AbortSignal
  exitCode: () => number | undefined
  unwatch: () => void
} {
  const stop = new AbortController()
  let code: number | undefined
  const handlers = (['SIGINT', 'SIGTERM'] as const).map((name) => {
    const handler = () => {
      const again = code !== undefined
      code = name === 'SIGINT' ? EXIT.interrupted : EXIT.terminated
      if (again) process.exit(code)
      output.logger.warn(`${name}: stopping (once more ends at once)`)
      setTimeout(() => process.exit(code), STOP_PATIENCE).unref()
      stop.abort(new Error(`stopped by ${name}`))
    }
    process.on(name, handler)
    return () => process.off(name, handler)
  })
  return { signal: stop.signal, exitCode: () => code, unwatch: () => handlers.forEach((off) => void off()) }
}

function load(command: Command): LoadedConfiguration {
  const flags = flagLayer(command)
  const file = command.opts<{ config?: string }>().config
  const loaded = loadConfiguration({ file, environment: process.env, flags })
  if (loaded.values.source !== 'csv' && loaded.origins.get('data')?.kind === 'flag') {
    throw new InputError(`--data is read with --source csv only, the source is ${loaded.values.source}`, {
      key: 'data',
    })
  }
  return loaded
}

/**
 * Makes a commander action of `run`: settings are loaded and checked, the output opened, signals watched, and every
 * error becomes one line on stderr and an exit code.
 *
 * The process is ended here: open handles of libraries (thread pools, sockets) must not keep it alive.
 */
export function execute(run: (context: CommandContext) => Promise<void>) {
  return async (_options: object, command: Command): Promise<void> => {
    redactLastWords()
    let configuration: LoadedConfiguration
    try {
      configuration = load(command)
    } catch (error) {
      process.stderr.write(`error: ${describeFailure(error)}\n`)
      process.exit(exitCodeOf(error))
    }
    const { log } = configuration.values
    const json = command.opts<{ json?: boolean }>().json === true
    const { stdout, stderr } = process
    const output = createOutput({ json, log, now: Date.now, stdout, stderr })
    const { signal, exitCode, unwatch } = watchSignals(output)
    process.on('exit', () => output.close())
    for (const remark of configuration.remarks) output.logger.warn(remark)

    let code = 0
    try {
      const { logger, progress } = output
      const reportFailure = () => {
        code = EXIT.failure
      }
      await run({ configuration, output, reportFailure, context: { now: Date.now, progress, logger, signal } })
    } catch (error) {
      output.close()
      // What breaks while stopping is a consequence of the stop.
      if (!signal.aborted) stderr.write(`error: ${describeFailure(error)}\n`)
      code = exitCode() ?? exitCodeOf(error)
      if (log.level === 'debug' && error instanceof Error) stderr.write(redact(`${error.stack}\n`))
    }
    unwatch()
    // A worker that was told to end and did is no failure; Ctrl-C is told apart by custom.
    process.exit(exitCode() === EXIT.interrupted ? EXIT.interrupted : code)
  }
}
