import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { FatalError } from '#data/errors.ts'
import type { Gate } from '#src/graduation/gates.ts'
import { fromFailure } from '../failures.ts'
import type { ReviewAnswer, ReviewRequest } from '../workers/review-process.ts'

const PROGRAM = fileURLToPath(new URL('../workers/review-process.ts', import.meta.url))

/**
 * Holds a paper ledger against the gates, beside a backtest over all its hours, in a process of its own: what that takes
 * grows with the ledger, and is to hold up neither the rounds nor their memory.
 *
 * @throws {MillraceError} as the review does; {FatalError} where its process is lost
 * @throws the signal's reason when aborted: the process is ended
 */
export async function reviewPaper(request: ReviewRequest, signal?: AbortSignal): Promise<readonly Gate[]> {
  signal?.throwIfAborted()
  const child = fork(PROGRAM, [], { execArgv: [], serialization: 'advanced', stdio: ['ignore', 2, 2, 'ipc'] })
  const end = () => child.kill('SIGKILL')
  signal?.addEventListener('abort', end, { once: true })
  const lost = once(child, 'exit').then(([code, killer]): ReviewAnswer => {
    signal?.throwIfAborted()
    const how = killer ? `was killed by ${killer} (out of memory?)` : `ended with exit code ${code}`
    throw new FatalError(`the review of the paper ledger ${how} before it had a result`, { path: request.path })
  })
  try {
    const answered = once(child, 'message').then(([answer]) => answer as ReviewAnswer)
    child.send(request)
    const answer = await Promise.race([answered, lost])
    if ('failure' in answer) throw fromFailure(answer.failure, { path: request.path })
    return answer.gates
  } finally {
    signal?.removeEventListener('abort', end)
    lost.catch(() => {})
    end()
  }
}
