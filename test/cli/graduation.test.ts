import { copyFileSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { describeGraduation, type GraduationAnswer } from '#cli/summaries/graduation.ts'
import type { LedgerEvent } from '#src/ledger/events.ts'
import { openSqliteLedger } from '#src/ledger/sqlite-ledger.ts'
import { makeBooks } from '../src/performance/books.ts'
import { runCli, temporaryFolder } from './run-cli.ts'

const signed = ['--by', 'Ada', '--reason', 'read every trade']
// The books are 60 hours long and earn: all gates pass but that of the days.
const twoDays = ['--set', 'wheel.graduation.minDays=2']

/** A state folder with a ledger of paper trading, decided upon every hour, and the same as a backtest. */
function stateFolder(): string {
  const state = temporaryFolder()
  const path = join(state, 'paper', 'ledger.sqlite')
  mkdirSync(dirname(path), { recursive: true })
  const store = openSqliteLedger(path)
  const events = makeBooks(7, 60).flatMap((event): LedgerEvent[] => {
    if (event.kind !== 'hour') return [event]
    const round = { kind: 'round', time: event.time, evaluated: 2, candidates: 0, stories: '', model: 'none' } as const
    return [event, { ...round, degraded: [] }]
  })
  store.append(events)
  store.close()
  const backtest = join(state, 'backtests', 'same', 'ledger.sqlite')
  mkdirSync(dirname(backtest), { recursive: true })
  copyFileSync(path, backtest)
  return state
}

const command = async (state: string, ...args: string[]) => {
  const { code, stdout, stderr } = await runCli(['graduation', ...args, '--state', state, '--json'])
  return { code, stderr, answer: code === 0 ? (JSON.parse(stdout) as GraduationAnswer) : undefined }
}

test('a strategy goes from paper to approved by its gates and a person, and back', async () => {
  const state = stateFolder()
  const early = await command(state, 'evaluate')
  expect(early.answer).toMatchObject({ state: 'paper', taken: null })
  expect(early.answer!.gates.filter(({ passed }) => !passed).map(({ name }) => name)).toEqual(['days'])

  const refused = await command(state, 'approve', ...signed, ...twoDays)
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('nothing leads from paper to approved') })
  const eligible = await command(state, 'evaluate', ...twoDays)
  expect(eligible.answer).toMatchObject({ state: 'eligible', taken: { by: 'gates', reason: 'all gates pass' } })

  const unsigned = await command(state, 'approve', '--by', 'Ada', ...twoDays)
  expect(unsigned).toMatchObject({ code: 2, stderr: expect.stringContaining('--reason is missing') })
  const approved = await command(state, 'approve', ...signed, ...twoDays)
  expect(approved.answer).toMatchObject({ state: 'approved', taken: { by: 'Ada', reason: 'read every trade' } })

  const demoted = await command(state, 'evaluate', ...twoDays, '--set', 'wheel.graduation.maxDrawdown=0.001')
  expect(demoted.answer).toMatchObject({ state: 'demoted', taken: { by: 'gates' } })
  const { answer } = await command(state, 'reset', ...signed)
  expect(answer!.steps.map(({ to }) => to)).toEqual(['eligible', 'approved', 'demoted', 'paper'])
  const status = await command(state, 'status')
  expect(status.answer).toMatchObject({ state: 'paper', taken: null, steps: answer!.steps })
  expect(status.answer!.gates.find(({ name }) => name === 'sharpe')!.figure).toMatch(/^unavailable: /)
})

test('what is not there is named', async () => {
  const state = temporaryFolder()
  expect(await command(state, 'status')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('`millrace paper` makes one'),
  })
  const whole = stateFolder()
  const nowhere = await command(whole, 'status', '--backtest', join(state, 'none.sqlite'))
  expect(nowhere).toMatchObject({ code: 2, stderr: expect.stringContaining('none.sqlite') })
})

test('for people, every gate has its figure and every step its author', () => {
  const text = describeGraduation({
    ledger: 'a.sqlite',
    backtest: null,
    state: 'eligible',
    next: 'a person may approve it',
    taken: null,
    gates: [{ name: 'drawdown', passed: false, figure: '30.00 %', threshold: 'below 25.00 %', demotes: true }],
    steps: [{ kind: 'graduation', time: 0, from: 'paper', to: 'eligible', by: 'gates', reason: 'so', evidence: {} }],
  })
  expect(text).toMatch(/^eligible: a person may approve it\n/)
  expect(text).toMatch(/drawdown +FAILED +30.00 % +below 25.00 % +demotes/)
  expect(text).toMatch(/1970-01-01 00:00 +paper -> eligible +gates +so/)
  expect(text).toMatch(/ledger: a.sqlite\nbacktest: none$/)
})
