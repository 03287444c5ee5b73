import { type Logger, pino } from 'pino'
import type { Progress } from '#data/progress.ts'
import { describeFailure } from '../failures.ts'
import { redactLastWords } from '../last-words.ts'
import { LOG_HOOKS } from '../secrets.ts'

/** Process of one training: takes a request from its parent, reports progress, answers once and ends. */

/** What the parent says. */
export type TrainerCommand =
  | { readonly type: 'start'; readonly module: string; readonly request: object }
  | { readonly type: 'cancel' }

/** What this process says. */
export type TrainerMessage =
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'result'; readonly result: unknown }
  | { readonly type: 'failed'; readonly reason: string }

/** The shape of a module that can train. */
interface TrainModule {
  train(
    request: unknown,
    context: {
      progress: (progress: Progress) => void
      signal: AbortSignal
      logger: Logger
      now: () => number
    },
  ): Promise<unknown>
}

const cancelling = new AbortController()
const level = process.env.MILLRACE_LOG_LEVEL ?? 'info'
const logger: Logger = pino({ name: 'trainer', level, hooks: LOG_HOOKS }, pino.destination(2))

function tell(message: TrainerMessage): Promise<void> {
  return new Promise((resolve) => {
    if (!process.connected || !process.send) resolve()
    else process.send(message, () => resolve())
  })
}

async function run(module: string, request: object): Promise<void> {
  try {
    const { train } = (await import(module)) as TrainModule
    const result = await train(request, {
      progress: (progress) => void tell({ type: 'progress', progress }),
      signal: cancelling.signal,
      logger,
      now: Date.now,
    })
    await tell({ type: 'result', result })
    process.exit(0)
  } catch (error) {
    // Whoever cancelled it knows.
    logger[cancelling.signal.aborted ? 'debug' : 'error']({ err: error }, 'training failed')
    await tell({ type: 'failed', reason: describeFailure(error) })
    process.exit(1)
  }
}

redactLastWords()
// A Ctrl-C reaches the whole group of processes; the worker decides what becomes of the training.
process.on('SIGINT', () => {})
process.on('disconnect', () => process.exit(1))
process.on('message', (command: TrainerCommand) => {
  if (command.type === 'cancel') cancelling.abort(new Error('cancelled'))
  else void run(command.module, command.request)
})
