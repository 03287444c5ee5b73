import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openRecords, recordsFile } from '#jobs/records.ts'
import { runCli, temporaryFolder } from './run-cli.ts'

const startedAt = Date.parse('2026-11-20T03:30Z')

test('retrainings list shows the newest first and in full, and is one JSON document where that is asked for', async () => {
  const state = temporaryFolder()
  const records = openRecords(recordsFile(state))
  const done = { endedAt: startedAt + 90_000, ok: true, words: 'hmm 1 is champion', promoted: ['hmm 1'] }
  records.putRetraining({ flow: 'daily-2026-11-20', startedAt, ...done })
  const words = 'train is under way'
  records.putRetraining({
    flow: 'daily-2026-11-21',
    startedAt: startedAt + 1e7,
    endedAt: null,
    ok: null,
    words,
    promoted: [],
  })
  records.close()
  const { code, stdout } = await runCli(['retrainings', 'list', '--state', state])
  expect(code).toBe(0)
  expect(stdout).toMatch(/daily-2026-11-21 .*under way +none\ndaily-2026-11-20 +2026-11-20 03:30 +90 s +done +hmm 1\n/)
  expect(stdout).toContain('daily-2026-11-21: train is under way')
  const json = JSON.parse((await runCli(['retrainings', 'list', '--state', state, '--json'])).stdout)
  expect(json.retrainings[1]).toEqual({ flow: 'daily-2026-11-20', startedAt, ...done })
})

test('retrainings without records, or a fleet, say what to do', async () => {
  const state = join(temporaryFolder(), 'none')
  const list = await runCli(['retrainings', 'list', '--state', state])
  expect([list.code, list.stderr]).toEqual([2, expect.stringMatching(/^error: there are no records .*`millrace up`/)])
  const cancel = await runCli(['retrainings', 'cancel', 'daily-2026-11-20', '--state', state])
  expect([cancel.code, cancel.stderr]).toEqual([2, expect.stringContaining('no fleet runs on the state folder')])
})
