import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Bars } from '#data/bars.ts'
import { FatalError } from '#data/errors.ts'
import type { Gate } from '#src/graduation/gates.ts'
import type { IntegrityReport } from '#src/ledger/integrity.ts'
import { fromFailure } from '../failures.ts'
import type { LookAnswer, LookRequest } from '../workers/ledger-process.ts'

const PROGRAM = fileURLToPath(new URL('../workers/ledger-process.ts', import.meta.url))

/**
 * Walks through a whole ledger, as `checkIntegrity` does, in a process of its own: what that takes grows with the ledger,
 * and is to hold up neither the rounds nor their memory.
 *
 * @param bars what the rates of funding are compared with
 * @throws {MillraceError} as the check does; {FatalError} where its process is lost
 * @throws the signal's reason when aborted: the process is ended
 */
export async function checkApart(
  request: { readonly path: string; readonly bars: readonly Bars[] },
  signal?: AbortSignal,
): Promise<IntegrityReport> {
  const answer = await ask({ task: 'check', ...request }, signal)
  return (answer as Extract<LookAnswer, { report: IntegrityReport }>).report
}

/** Holds a paper ledger against the gates, beside a backtest over all its hours; as {@link checkApart}. */
export async function reviewApart(
  request: Omit<Extract<LookRequest, { task: 'review' }>, 'task'>,
  signal?: AbortSignal,
): Promise<readonly Gate[]> {
  const answer = await ask({ task: 'review', ...request }, signal)
  return (answer as Extract<LookAnswer, { gates: readonly Gate[] }>).gates
}

async function ask(request: LookRequest, signal?: AbortSignal): Promise<LookAnswer> {
  signal?.throwIfAborted()
  const child = fork(PROGRAM, [], { execArgv: [], serialization: 'advanced', stdio: ['ignore', 2, 2, 'ipc'] })
  const end = () => child.kill('SIGKILL')
  signal?.addEventListener('abort', end, { once: true })
  const lost = once(child, 'exit').then(([code, killer]): LookAnswer => {
    signal?.throwIfAborted()
    const how = killer ? `was killed by ${killer} (out of memory?)` : `ended with exit code ${code}`
    throw new FatalError(`the ${request.task} of the ledger ${how} before it had a result`, { path: request.path })
  })
  try {
    const answered = once(child, 'message').then(([answer]) => answer as LookAnswer)
    child.send(request)
    const answer = await Promise.race([answered, lost])
    if ('failure' in answer) throw fromFailure(answer.failure, { path: request.path })
    return answer
  } finally {
    signal?.removeEventListener('abort', end)
    lost.catch(() => {})
    end()
  }
}
