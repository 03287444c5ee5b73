import type { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { keyByPath } from '#cli/config/keys.ts'
import { flagLayer } from '#cli/flags.ts'
import { createProgram } from '#cli/program.ts'

const program = createProgram()

/** Every command that does something, by its full name: `audit` only holds `audit causality`. */
const commands = new Map(
  program.commands.flatMap((command) =>
    command.commands.length === 0
      ? [[command.name(), command] as const]
      : command.commands.map((inner) => [`${command.name()} ${inner.name()}`, inner] as const),
  ),
)

/** The help of a command as it is printed, with what stands after the flags. */
function helpOf(command: Command): string {
  let text = ''
  command.configureOutput({
    writeOut: (part) => {
      text += part
    },
  })
  command.outputHelp()
  return text
}

test('there is a command for every part of the work', () => {
  expect([...commands.keys()]).toEqual([
    'run',
    'fetch',
    'train',
    'evaluate',
    'search',
    'infer',
    'wheel',
    'backtest',
    'paper',
    'why',
    'ledger show',
    'ledger export',
    'integrity',
    'half-life',
    'protections list',
    'protections lock',
    'protections lift',
    'graduation status',
    'graduation evaluate',
    'graduation approve',
    'graduation demote',
    'graduation reset',
    'up',
    'schedule list',
    'schedule run-now',
    'schedule pause',
    'schedule resume',
    'retrainings list',
    'retrainings cancel',
    'worker',
    'alerts list',
    'alerts test',
    'status',
    'dead list',
    'dead show',
    'dead replay',
    'dead drop',
    'models list',
    'models show',
    'models promote',
    'models rollback',
    'models expire',
    'audit causality',
    'doctor',
    'config',
  ])
})

describe.each([...commands])('the help of %s', (name, command) => {
  const help = helpOf(command)

  test('says what it does, with examples that name it', () => {
    expect(help).toMatch(/Examples:\n/)
    expect(help.split('Examples:')[1]).toContain(`millrace ${name}`)
    expect(command.description()).not.toBe('')
  })

  test('explains each flag', () => {
    for (const option of command.options) {
      expect(option.description, option.long).not.toBe('')
    }
  })

  test.each(['--config', '--set', '--json', '--log-level'])('has %s', (flag) => {
    expect(help).toContain(flag)
  })
})

describe('flags', () => {
  function parse(...args: string[]) {
    const command = createProgram().commands.find((candidate) => candidate.name() === 'run')!
    command.parseOptions(args)
    return flagLayer(command)
  }

  test('set the keys of the configuration, by their own name or by --set', () => {
    expect(parse('--test-from', '2025-01-01', '--coins', 'BTC,ETH', '--set', 'training.cde.epochs=5')).toEqual([
      { path: 'training.cde.epochs', value: 5, origin: { kind: 'flag', flag: '--set training.cde.epochs' } },
      { path: 'coins', value: ['BTC', 'ETH'], origin: { kind: 'flag', flag: '--coins' } },
      { path: 'testFrom', value: '2025-01-01', origin: { kind: 'flag', flag: '--test-from' } },
    ])
  })

  test('may say --set often', () => {
    expect(parse('--set', 'seed=1', '--set', 'fleet.workers=3').map(({ path }) => path)).toEqual([
      'seed',
      'fleet.workers',
    ])
  })

  test('all lead to a key that exists', () => {
    const args = [
      '--source',
      'csv',
      '--data',
      'd',
      '--seed',
      '1',
      '--pool',
      'all',
      '--backend',
      'wasm',
      '--workers',
      '2',
    ]
    for (const { path } of parse(...args)) expect(keyByPath.has(path), path).toBe(true)
  })
})
