import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { keyByPath, keys } from '#cli/config/keys.ts'
import type { Layer } from '#cli/config/layer.ts'
import { assemble, loadConfiguration, valueAt } from '#cli/config.ts'
import { InputError } from '#data/errors.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-config-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function writeSettings(text: string): string {
  const file = join(folder, 'settings.yaml')
  writeFileSync(file, text)
  return file
}

/** Keys of each kind, at each depth, with values that the schema takes. */
const SETTABLE: Record<string, fc.Arbitrary<unknown>> = {
  seed: fc.integer({ min: 0, max: 1e6 }),
  source: fc.constantFrom('auto', 'simulated', 'hyperliquid'),
  coins: fc.array(fc.constantFrom('BTC', 'ETH', 'SOL', 'kPEPE'), { minLength: 1, maxLength: 3 }),
  'training.knots': fc.integer({ min: 2, max: 168 }),
  'training.cde.learningRate': fc.constantFrom(0.001, 0.01, 0.5),
  'training.cde.mirror': fc.boolean(),
  'wheel.fusion.weights': fc.dictionary(
    fc.constantFrom('ou-funding', 'kalman-funding'),
    fc.integer({ min: 0, max: 3 }),
  ),
  'wheel.fusion.regimeScale.momentum.chop': fc.integer({ min: 0, max: 3 }),
  'fleet.workers': fc.integer({ min: 1, max: 64 }),
  'log.level': fc.constantFrom('debug', 'info', 'warn'),
}

const settings = fc.record(SETTABLE, { requiredKeys: [] }) as fc.Arbitrary<Record<string, unknown>>

function toYaml(values: Record<string, unknown>): string {
  const tree: Record<string, unknown> = {}
  for (const [path, value] of Object.entries(values)) {
    const names = path.split('.')
    let group = tree
    for (const name of names.slice(0, -1)) {
      group[name] ??= {}
      group = group[name] as Record<string, unknown>
    }
    group[names.at(-1)!] = value
  }
  return stringify(tree)
}

function toVariables(values: Record<string, unknown>): Record<string, string> {
  const text = (value: unknown) =>
    Array.isArray(value) ? value.join(',') : typeof value === 'object' ? JSON.stringify(value) : String(value)
  return Object.fromEntries(Object.entries(values).map(([path, value]) => [keyByPath.get(path)!.variable, text(value)]))
}

function toFlags(values: Record<string, unknown>): Layer {
  return Object.entries(values).map(([path, value]) => ({ path, value, origin: { kind: 'flag', flag: `--${path}` } }))
}

describe('the configuration in force', () => {
  test('takes each value from the strongest of defaults, file, environment and flags, and knows from which', () => {
    const defaults = assemble([]).values
    fc.assert(
      fc.property(settings, settings, settings, (inFile, inEnvironment, inFlags) => {
        const loaded = loadConfiguration({
          file: writeSettings(toYaml(inFile)),
          environment: toVariables(inEnvironment),
          flags: toFlags(inFlags),
        })
        for (const { path } of keys) {
          const layers = { flag: inFlags, environment: inEnvironment, file: inFile }
          const winner = (['flag', 'environment', 'file'] as const).find((kind) => path in layers[kind])
          const expected = winner ? layers[winner][path] : valueAt(defaults, path)
          expect(valueAt(loaded.values, path)).toEqual(expected)
          expect(loaded.origins.get(path)?.kind).toBe(winner ?? 'default')
        }
      }),
      { numRuns: 60 },
    )
  })

  test('names the line of the file, the variable and the flag', () => {
    const { origins } = loadConfiguration({
      file: writeSettings('seed: 3\n\ntraining:\n  knots: 24\n'),
      environment: { REDIS_URL: 'redis://localhost:6379' },
      flags: [{ path: 'source', value: 'simulated', origin: { kind: 'flag', flag: '--source' } }],
    })
    expect(origins.get('training.knots')).toMatchObject({ kind: 'file', line: 4 })
    expect(origins.get('fleet.redisUrl')).toEqual({ kind: 'environment', variable: 'REDIS_URL' })
    expect(origins.get('source')).toEqual({ kind: 'flag', flag: '--source' })
  })

  test('lets models and reports follow the state folder unless they are set', () => {
    const { values } = assemble([[{ path: 'state', value: 'elsewhere', origin: { kind: 'default' } }]])
    expect(values).toMatchObject({ models: join('elsewhere', 'models'), reports: join('elsewhere', 'reports') })
  })

  test('wants a file that is named to be there, and needs none otherwise', () => {
    const file = join(folder, 'absent.yaml')
    for (const named of [{ file, environment: {} }, { environment: { MILLRACE_CONFIG: file } }]) {
      expect(() => loadConfiguration({ ...named, flags: [] })).toThrow(/absent\.yaml/)
    }
    expect(loadConfiguration({ environment: {}, flags: [] }).file).toBeUndefined()
  })

  test('takes the address of Redis from a file where its variable names one', () => {
    const file = join(folder, 'redis')
    writeFileSync(file, 'redis://user:hunter2@cache:6379\n', { mode: 0o600 })
    const { values, origins, remarks } = loadConfiguration({ environment: { REDIS_URL_FILE: file }, flags: [] })
    expect(values.fleet.redisUrl).toBe('redis://user:hunter2@cache:6379')
    expect(origins.get('fleet.redisUrl')).toEqual({ kind: 'environment', variable: 'REDIS_URL_FILE' })
    expect(remarks).toEqual([])
    const both = { REDIS_URL_FILE: file, REDIS_URL: 'redis://cache' }
    expect(() => loadConfiguration({ environment: both, flags: [] })).toThrow(/both set/)
  })

  test('knows the variables of secrets, and complains of a file of one that everybody may read', () => {
    const file = join(folder, 'token')
    writeFileSync(file, 'planted-token', { mode: 0o644 })
    const { remarks } = loadConfiguration({
      environment: { MILLRACE_TOKEN_FILE: file, MILLRACE_ALERT_SLACK_URL: 'https://planted' },
      flags: [],
    })
    expect(remarks).toEqual([expect.stringMatching(/^MILLRACE_TOKEN_FILE: everybody/)])
  })

  test('holds no password that came from a file of settings or from the command line', () => {
    const redis = 'redis://user:hunter2@cache:6379'
    const file = writeSettings(`fleet:\n  redisUrl: ${redis}\n`)
    expect(() => loadConfiguration({ file, environment: {}, flags: [] })).toThrow(
      /line 2: fleet.redisUrl holds a password/,
    )
    const flags = toFlags({ 'fleet.redisUrl': redis })
    expect(() => loadConfiguration({ environment: {}, flags })).toThrow(/^--fleet.redisUrl: .*set REDIS_URL/)
  })

  test('finds the file that MILLRACE_CONFIG names', () => {
    const file = writeSettings('seed: 77')
    const loaded = loadConfiguration({ environment: { MILLRACE_CONFIG: file }, flags: [] })
    expect(loaded.values.seed).toBe(77)
    expect(loaded.file).toBe(file)
  })
})

describe('a wrong value', () => {
  const load = (environment: Record<string, string>, text = '') =>
    loadConfiguration({ file: writeSettings(text), environment, flags: [] })

  test.each([
    [
      'a number out of range',
      { MILLRACE_FLEET_WORKERS: '0' },
      '',
      /^MILLRACE_FLEET_WORKERS: fleet.workers: .*>=1, got 0/,
    ],
    ['text for a number', { MILLRACE_SEED: 'many' }, '', /^MILLRACE_SEED: seed: expected number.*"many"/],
    ['a name that is none', {}, 'log:\n  level: loud', /settings.yaml line 2: log.level: .*"debug".*got "loud"/],
    ['a day that does not exist', {}, 'from: 2025-02-30', /line 1: from must be a date/],
    ['a moment within an hour', {}, 'from: 2025-02-03T10:30', /from must be a date such as 2024-09-05 or a full hour/],
    ['an empty range', {}, 'from: 2025-02-03\nto: 2025-02-03', /from must be before "to"/],
    ['a test outside of the range', {}, 'from: 2025-02-03\ntestFrom: 2025-01-01', /testFrom must be after "from"/],
    ['csv without a folder', { MILLRACE_SOURCE: 'csv' }, '', /data must name the folder.*--data/],
    ['an empty coin', { MILLRACE_COINS: 'BTC,,ETH' }, '', /^MILLRACE_COINS: coins.*must not be empty/],
    [
      'thresholds that contradict each other',
      {},
      'wheel: {ouFunding: {exitZ: 3}}',
      /exitZ must be below entryZ, got 3/,
    ],
    ['an address of another kind', { REDIS_URL: 'http://cache' }, '', /^REDIS_URL: fleet.redisUrl must be redis:/],
  ])('%s is refused in one line that says who set it', (_, environment, text, line) => {
    expect(() => load(environment, text)).toThrow(InputError)
    expect(() => load(environment, text)).toThrow(line)
  })

  test('never shows a password', () => {
    const url = 'http://user:hunter2@cache:6379'
    expect(() => load({ REDIS_URL: url })).toThrow(/\*\*\*/)
    expect(() => load({ REDIS_URL: url })).not.toThrow(/hunter2/)
  })
})

test('a variable that looks like ours and sets nothing is remarked upon', () => {
  const { remarks } = loadConfiguration({ environment: { MILLRACE_TRAINING_KNOT: '3' }, flags: [] })
  expect(remarks).toEqual([
    'the variable MILLRACE_TRAINING_KNOT sets nothing; the nearest that does is MILLRACE_TRAINING_KNOTS',
  ])
})
