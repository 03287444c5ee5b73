import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeDropped, describeLetter, describeLetters, describeReplays } from '#cli/summaries/dead.ts'
import { type Broker, openBroker } from '#jobs/broker.ts'
import { findLetter, putLetters } from '#jobs/dead-letters/store.ts'
import { queueOf } from '#jobs/queue-of.ts'
import { writeUpAddress } from '#jobs/up-address.ts'
import { silentLogger as logger } from '../jobs/silent-logger.ts'
import { runCli, temporaryFolder } from './run-cli.ts'

const LETTER = {
  queue: 'infer' as const,
  name: 'infer',
  job: 'hourly-2025-01-01T05.infer.0',
  payload: { round: 'r', batch: [{ coin: 'BTC', rows: 'A'.repeat(200) }] },
  cause: 'ModelError: the probabilities sum to NaN',
  attempts: 1,
  failedAt: Date.UTC(2025, 0, 1, 5),
  flow: 'hourly-2025-01-01T05',
}

describe('dead letters of a fleet that runs on this machine', () => {
  let broker: Broker
  let state: string
  let remove: () => Promise<void>
  const dead = (...args: string[]) => runCli(['dead', ...args, '--state', state])

  beforeAll(async () => {
    state = mkdtempSync(join(tmpdir(), 'millrace-dead-cli-'))
    const namespace = `t${randomBytes(4).toString('hex')}`
    broker = await openBroker({ stateDirectory: state, namespace, logger })
    const postgresUrl = broker.workerEnvironment().MILLRACE_POSTGRES_URL
    remove = await writeUpAddress(state, { postgresUrl, namespace })
  })
  afterAll(async () => {
    await remove?.()
    await broker?.close()
    rmSync(state, { recursive: true, force: true })
  })

  test('are listed, replayed by the command that the list shows, and dropped', async () => {
    await putLetters(broker, [{ id: 'infer-1', ...LETTER }])
    await putLetters(broker, [{ id: 'train-2', ...LETTER, queue: 'train', failedAt: Date.now() }])
    const listed = JSON.parse((await dead('list', '--queue', 'infer', '--json')).stdout)
    const { payload: _payload, ...letter } = LETTER
    const command = `millrace dead replay infer-1 --state ${JSON.stringify(state)}`
    expect(listed).toEqual({ open: 2, letters: [{ id: 'infer-1', ...letter, replay: command }] })

    const replayed = await dead('replay', 'infer-1')
    expect(replayed).toMatchObject({
      code: 0,
      stderr: '',
      stdout: 'infer-1 is back on the queue infer as job infer-1.1\n',
    })
    expect((await queueOf(broker, 'infer').getJob('infer-1.1'))?.data).toEqual(LETTER.payload)
    expect((await findLetter(broker, 'infer-1')).replayed).toMatchObject({ job: 'infer-1.1', times: 1 })

    // What was replayed is left alone, and the other one dropped.
    const [{ job }, ...others] = JSON.parse((await dead('replay', '--all', '--json')).stdout)
    expect([job, others]).toEqual(['train-2.1', []])
    expect((await dead('drop', '--all', '--queue', 'train')).stdout).toBe('train-2 is dropped\n')
    const left = JSON.parse((await dead('list', '--json')).stdout)
    expect(left).toMatchObject({ open: 0, letters: [{ id: 'infer-1' }] })
  })

  test('are named by id: another, or none, is an error that says what to do', async () => {
    const unknown = await dead('show', 'infer-9')
    expect(unknown).toMatchObject({ code: 2, stdout: '' })
    expect(unknown.stderr).toBe(
      'error: there is no dead letter infer-9: `millrace dead list` shows those that are there\n',
    )
    expect((await dead('drop')).stderr).toBe('error: name a letter, or say `millrace dead drop --all`\n')
  })
})

test('without a fleet there is nobody to ask', async () => {
  const state = temporaryFolder()
  const alone = await runCli(['dead', 'list', '--state', state])
  expect(alone).toMatchObject({ code: 2, stdout: '' })
  expect(alone.stderr).toMatch(/^error: no fleet runs on the state folder .* `millrace up`, or set REDIS_URL/)
})

describe('for people', () => {
  const shown = { id: 'infer-1', ...LETTER, replay: 'millrace dead replay infer-1' }
  const replayed = { at: Date.UTC(2025, 0, 2), job: 'infer-1.2', times: 2 }

  test('a list says why, and how to go on', () => {
    const text = describeLetters({ open: 1, letters: [shown, { ...shown, id: 'infer-2', replayed }] })
    expect(text).toMatch(/infer-1 +hourly-2025-01-01T05 +infer +2025-01-01 05:00 +1 +- +ModelError: the prob/)
    expect(text).toMatch(/infer-2 .* 2025-01-02 00:00 +ModelError/)
    expect(text).toMatch(/1 not replayed\nreplay one: millrace dead replay infer-1$/)
    expect(describeLetters({ open: 0, letters: [] })).toBe('no dead letters')
    const long = describeLetters({ open: 1, letters: [{ ...shown, cause: `a\n${'b'.repeat(500)}` }] })
    expect(Math.max(...long.split('\n').map((line) => line.length))).toBeLessThan(200)
  })

  test('a letter shows its payload, long texts cut', () => {
    const text = describeLetter({ ...shown, replayed })
    expect(text).toMatch(/cause +ModelError: the probabilities sum to NaN/)
    expect(text).toMatch(/replayed +2025-01-02 00:00 UTC as job infer-1.2, times: 2/)
    expect(text).toMatch(/replay +millrace dead replay infer-1/)
    expect(text).toMatch(/"rows": "A{59}…"/)
    expect(describeLetter(shown)).toMatch(/replayed +never/)
  })

  test('what was done is said line by line', () => {
    const steps = ['wheel', 'ledger']
    const replays = [{ letter: 'round-1', queue: 'round' as const, job: 'round-1.1.ledger', steps }]
    expect(describeReplays(replays)).toBe(
      'round-1 is back on the queue round as job round-1.1.ledger with the steps wheel, ledger',
    )
    expect(describeReplays([])).toBe('nothing to replay')
    expect(describeDropped([])).toBe('nothing to drop')
  })
})
