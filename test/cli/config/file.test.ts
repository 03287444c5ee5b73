import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { readFileLayer } from '#cli/config/file.ts'
import { InputError } from '#data/errors.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-file-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const file = join(folder, 'millrace.yaml')

function read(text: string) {
  writeFileSync(file, text)
  return readFileLayer(file, { required: true })
}

describe('a file of settings', () => {
  test('gives a value for each leaf, with its line', () => {
    expect(read('# note\nseed: 3\nfleet:\n  workers: 4\ncoins: [BTC, ETH]\n')).toEqual([
      { path: 'seed', value: 3, origin: { kind: 'file', file, line: 2 } },
      { path: 'fleet.workers', value: 4, origin: { kind: 'file', file, line: 4 } },
      { path: 'coins', value: ['BTC', 'ETH'], origin: { kind: 'file', file, line: 5 } },
    ])
  })

  test('keeps a date a text', () => {
    expect(read('from: 2024-09-05')[0].value).toBe('2024-09-05')
  })

  test.each(['', '# nothing yet\n', 'seed:\ntraining:\n'])('may set nothing: %j', (text) => {
    expect(read(text)).toEqual([])
  })

  test('takes a mapping with free names as one value', () => {
    expect(read('wheel:\n  fusion:\n    weights: {ou-funding: 1}')).toMatchObject([
      { path: 'wheel.fusion.weights', value: { 'ou-funding': 1 } },
    ])
  })

  test('may be absent unless it was asked for by name', () => {
    const absent = join(folder, 'absent.yaml')
    expect(readFileLayer(absent, { required: false })).toEqual([])
    expect(() => readFileLayer(absent, { required: true })).toThrow(/absent.yaml cannot be read: there is no such file/)
  })

  test.each([
    ['an unknown key', 'sede: 3', /line 1: unknown key "sede"; the nearest is "seed"/],
    [
      'an unknown key in a group',
      'training:\n  knot: 3',
      /line 2: unknown key "training.knot"; the nearest is "knots"/,
    ],
    ['a secret', 'seed: 1\nMILLRACE_TOKEN: planted', /line 2: unknown key "MILLRACE_TOKEN"; secrets are no settings/],
    [
      'a secret in a group',
      'alerts:\n  webhookUrl: https://planted',
      /line 2: unknown key "alerts.webhookUrl"; secrets/,
    ],
    ['a value in the place of a group', 'seed: 1\nfleet: 3', /line 2: fleet must be a mapping/],
    ['a list for the whole', '- seed', /line 1: the file must be a mapping/],
    ['a key given twice', 'seed: 1\nseed: 2', /line 2: Map keys must be unique/],
    ['no YAML', 'coins: [BTC', /line \d+: Flow sequence/],
  ])('is refused with its line for %s', (_, text, line) => {
    expect(() => read(text)).toThrow(InputError)
    expect(() => read(text)).toThrow(line)
  })
})
