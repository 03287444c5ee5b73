import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { HOUR } from '#data/bars.ts'
import { openRecords, type RoundRecord, recordsFile } from '#jobs/records.ts'
import type { LedgerEvent } from '#src/ledger/events.ts'
import { checkIntegrity } from '#src/ledger/integrity.ts'
import { openSqliteLedger } from '#src/ledger/sqlite-ledger.ts'
import type { RowNotes } from './row.ts'

/** What `fixtures/home.ts` plays. */
export interface HomeTask {
  readonly state: string
  readonly coins: [string, ...string[]]
  /** Hours of history before the first round. */
  readonly before: number
  readonly rounds: number
}

/** The home process, which is started again whenever it is killed. */
export interface HomeProcess {
  /** Kills it, as `kill -9` does; it is started again at once. */
  kill(): Promise<void>
  /** Resolves when it is ready, since it was started last. */
  ready(): Promise<void>
  /** Called with the name of each step that was completed. */
  onStep(listener: (name: string) => void): void
  /** Resolves with the next line of its log that matches. */
  nextLine(pattern: RegExp): Promise<string>
  /** Resolves when every round has ended; rejects when the home ends by itself. */
  readonly over: Promise<void>
  close(): Promise<void>
}

const PROGRAM = fileURLToPath(new URL('../fixtures/home.ts', import.meta.url))

export function startHome(task: HomeTask, env: Readonly<Record<string, string>>): HomeProcess {
  const listeners = new Set<(name: string) => void>()
  const readers = new Set<(line: string) => void>()
  const over = Promise.withResolvers<void>()
  over.promise.catch(() => {})
  let child: ChildProcess
  let ready: Promise<unknown>
  let killed = false
  const lines: string[] = []

  const start = () => {
    killed = false
    // It ends by itself when this channel closes, however this process ends.
    child = fork(PROGRAM, [JSON.stringify(task)], {
      execArgv: [],
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    createInterface({ input: child.stderr! }).on('line', (line) => {
      lines.push(line)
      for (const listener of readers) listener(line)
      if (process.env.LOG) process.stderr.write(`${line}\n`)
    })
    const { promise, resolve } = Promise.withResolvers<void>()
    ready = promise
    child.on('message', ({ type, name }: { type: string; name?: string }) => {
      if (type === 'ready') resolve()
      if (name === undefined) return
      for (const listener of listeners) listener(name)
      if (name === 'integrity' && ended(task)) over.resolve()
    })
    child.once('close', (code) => {
      if (!killed) over.reject(new Error(`the home process ended with ${code}: ${lines.slice(-5).join('\n')}`))
    })
  }
  const end = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    killed = true
    const gone = once(child, 'close')
    child.kill('SIGKILL')
    await gone
  }
  start()

  return {
    over: over.promise,
    ready: async () => void (await Promise.race([ready, over.promise])),
    nextLine: (pattern) =>
      new Promise((resolve) => {
        const listen = (line: string) => {
          if (!pattern.test(line)) return
          readers.delete(listen)
          resolve(line)
        }
        readers.add(listen)
      }),
    onStep: (listener) => void listeners.add(listener),
    async kill() {
      await end()
      start()
    },
    close: end,
  }
}

function ended({ state, rounds }: HomeTask): boolean {
  const { done, failed, skipped } = countRounds(state)
  return done + failed + skipped >= rounds
}

function countRounds(state: string) {
  const records = openRecords(recordsFile(state))
  try {
    return records.countRounds()
  } finally {
    records.close()
  }
}

/** What is in the ledger and in the records of a state folder. */
export function readHome(state: string): { events: LedgerEvent[]; rounds: RoundRecord[] } {
  const ledger = openSqliteLedger(join(state, 'paper', 'ledger.sqlite'), { readOnly: true })
  const records = openRecords(recordsFile(state))
  try {
    return { events: [...ledger.events()], rounds: records.rounds(100_000).reverse() }
  } finally {
    ledger.close()
    records.close()
  }
}

/**
 * Holds ledger and records of rounds that were disturbed against what must be.
 *
 * @param mayFail rounds may have failed, if they say so: their hours were lived through by a later one
 */
export function judgeHome(row: RowNotes, { state, rounds }: HomeTask, mayFail = false): void {
  const { events, rounds: records } = readHome(state)
  const first = records[0].asOf
  const hours = Array.from({ length: rounds }, (_, n) => first + n * HOUR)
  for (const kind of mayFail ? (['hour'] as const) : (['hour', 'round'] as const)) {
    const times = events.filter((event) => event.kind === kind).map(({ time }) => time)
    row.promise(`each hour has one ${kind} event`, JSON.stringify(times) === JSON.stringify(hours), {
      events: times.length,
      hours: hours.length,
    })
  }
  const asOf = records.map((record) => record.asOf)
  row.promise('each hour has one round in the records', JSON.stringify(asOf) === JSON.stringify(hours), asOf.length)
  const open = records.filter(({ state }) => state !== 'done' && !(mayFail && state === 'failed'))
  row.promise('every round is done', open.length === 0, open[0])
  const { broken } = checkIntegrity(join(state, 'paper', 'ledger.sqlite'))
  row.promise('the ledger is whole', broken === undefined, broken)
  row.figure('rounds', records.length)
  row.figure('events', events.length)
  row.figure('fills', events.filter(({ kind }) => kind === 'fill').length)
  row.figure('degraded', records.filter(({ degraded }) => degraded.length > 0).length)
}
