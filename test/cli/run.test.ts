import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runCli, startCli, temporaryFolder } from './run-cli.ts'

/** The whole pipeline, as small as it can be and still be itself. */
const SMALL = [
  ...['--source', 'simulated', '--coins', 'BTC,ETH', '--pool', 'BTC,ETH', '--seed', '3', '--backend', 'wasm'],
  ...['--from', '2025-04-20', '--to', '2025-06-01', '--set', 'training.cde.epochs=1'],
  ...['--set', 'training.architecture.hidden=8', '--set', 'training.architecture.width=8'],
  ...['--set', 'training.hmm.states=3', '--set', 'training.hmm.restarts=1', '--set', 'training.hmm.iterations=5'],
]

/** A folder of candles in the layout of the source csv. */
function csvFolder(rows: string): string {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'candles'))
  writeFileSync(join(folder, 'candles', 'BTC.csv'), rows)
  return folder
}

describe('run', () => {
  test('prints its summary as the one JSON document on stdout, with a report behind it', {
    timeout: 120_000,
  }, async () => {
    const state = temporaryFolder()
    const { code, stdout, stderr } = await runCli(['run', ...SMALL, '--state', state, '--json'])
    expect(code, stderr).toBe(0)
    const summary = JSON.parse(stdout)
    expect(summary).toMatchObject({ source: 'simulated', coins: ['BTC', 'ETH'], seed: 3, inference: { workers: 2 } })
    expect(Object.keys(summary.evaluation)).toEqual(expect.arrayContaining(['cde', 'hmm', 'rule', 'linear']))
    const { equityChange, realised, funding, fees } = summary.wheel.micro
    expect(equityChange).toBe(realised + funding - fees)
    expect(existsSync(summary.report.html)).toBe(true)
    expect(dirname(summary.report.html).startsWith(join(state, 'reports'))).toBe(true)
    expect(stderr).toMatch(/^train cde: .*\n(.*\n)*report: done/m)
  })

  test('stops cleanly at Ctrl-C', { timeout: 60_000 }, async () => {
    const { child, ended } = startCli(['run', ...SMALL])
    await new Promise<void>((resolve) => {
      child.stderr?.on('data', (text) => String(text).includes('fleet: 2 of 2') && resolve())
    })
    child.kill('SIGINT')
    const { code, stdout, stderr } = await ended
    expect({ code, stdout }, stderr).toEqual({ code: 130, stdout: '' })
  })
})

describe('data that cannot be used get one line and exit code 2', () => {
  test.each([
    ['no such folder', () => join(temporaryFolder(), 'absent'), [], /absent is no directory/],
    [
      'a coin that is not there',
      () => csvFolder('ts_ms,open,high,low,close,volume\n'),
      ['--coins', 'ETC'],
      /unknown coin "ETC"/,
    ],
    ['a column that is missing', () => csvFolder('ts_ms,open,high,low,close\n'), [], /BTC.csv.*volume/],
  ])('%s', async (_, folder, flags, line) => {
    const { code, stdout, stderr } = await runCli(['fetch', '--source', 'csv', '--data', folder(), ...flags])
    const errors = stderr.split('\n').filter((text) => text.startsWith('error: '))
    expect(errors.join()).toMatch(line)
    expect(errors).toHaveLength(1)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  })
})
