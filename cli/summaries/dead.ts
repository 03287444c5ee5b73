import type { KeptLetter } from '#jobs/dead-letters/letter.ts'
import type { Replay } from '#jobs/dead-letters/replay.ts'
import { layOut, minute } from '../table.ts'

/** A letter with the command that replays it. */
export type ShownLetter = KeptLetter & { readonly replay: string }

/** Characters of a cause in the list, and of a text within a payload. */
const CAUSE_SHOWN = 90
const TEXT_SHOWN = 60

const date = (time: number) => minute(new Date(time).toISOString())

/** Letters, one a line, and below each list how to go on. */
export function describeLetters({
  open,
  letters,
}: {
  readonly open: number
  readonly letters: readonly Omit<ShownLetter, 'payload'>[]
}): string {
  if (letters.length === 0) return 'no dead letters'
  const rows = letters.map(({ id, flow, name, failedAt, attempts, cause, replayed }) => [
    id,
    flow ?? '-',
    name,
    date(failedAt),
    attempts,
    replayed ? date(replayed.at) : '-',
    shortened(cause, CAUSE_SHOWN),
  ])
  const table = layOut([['letter', 'round', 'job', 'failed (UTC)', 'attempts', 'replayed', 'cause'], ...rows])
  const first = letters.find(({ replayed }) => replayed === undefined)
  const remarks = [`${open} not replayed`]
  if (first) remarks.push(`replay one: ${first.replay}`)
  return [table, '', ...remarks].join('\n')
}

/** A letter with all that is known; long texts in its payload are cut. */
export function describeLetter(letter: ShownLetter): string {
  const { id, queue, name, job, flow, failedAt, attempts, cause, replayed, replay, payload } = letter
  const facts: [string, string][] = [
    ['letter', id],
    ['job', `${job} (${name}) of the queue ${queue}`],
    ['round', flow ?? '-'],
    ['failed', `${date(failedAt)} UTC, attempts: ${attempts}`],
    ['cause', cause],
    ['replayed', replayed ? `${date(replayed.at)} UTC as job ${replayed.job}, times: ${replayed.times}` : 'never'],
    ['replay', replay],
  ]
  const short = (_key: string, value: unknown) => (typeof value === 'string' ? shortened(value, TEXT_SHOWN) : value)
  return [layOut(facts), '', JSON.stringify(payload, short, 2)].join('\n')
}

/** Which jobs do the work anew. */
export function describeReplays(replays: readonly Replay[]): string {
  const lines = replays.map(({ letter, queue, job, steps }) => {
    const what = steps.length > 1 ? ` with the steps ${steps.join(', ')}` : ''
    return `${letter} is back on the queue ${queue} as job ${job}${what}`
  })
  return lines.join('\n') || 'nothing to replay'
}

/** What is not there any more. */
export function describeDropped(ids: readonly string[]): string {
  return ids.map((id) => `${id} is dropped`).join('\n') || 'nothing to drop'
}

function shortened(text: string, length: number): string {
  const line = text.replaceAll(/\s+/g, ' ')
  return line.length > length ? `${line.slice(0, length - 1)}…` : line
}
