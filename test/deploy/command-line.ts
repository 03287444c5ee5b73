import type { Command } from 'commander'
import { keyByVariable } from '#cli/config/keys.ts'
import { createProgram } from '#cli/program.ts'
import { fileVariable, SECRETS } from '#jobs/secrets.ts'

/** What is wrong with a command line of ours (without `millrace` itself), as far as one can tell without running it. */
export function wrongWith(words: readonly string[]): string | undefined {
  let command: Command = createProgram()
  let path = 'millrace'
  const rest = [...words]
  for (let next = command.commands.find((one) => one.name() === rest[0]); next; ) {
    command = next
    path += ` ${rest.shift()}`
    next = command.commands.find((one) => one.name() === rest[0])
  }
  if (path === 'millrace' && rest[0] !== '--help') return `there is no command ${rest[0]}`
  if (command.commands.length > 0 && rest[0] !== '--help') return `${path} has no command ${rest[0]}`
  const taken: string[] = []
  while (rest.length > 0) {
    const word = rest.shift()!
    if (!word.startsWith('-')) {
      taken.push(word)
      continue
    }
    const [flag, value] = word.split('=', 2)
    if (flag === '--help') return undefined
    const option = command.options.find((one) => one.long === flag || one.short === flag)
    if (!option) return `${path} has no option ${flag}`
    if (option.required && value === undefined && rest.shift() === undefined) return `${path} ${flag} needs a value`
  }
  const needed = command.registeredArguments.filter((one) => one.required).length
  const most = command.registeredArguments.some((one) => one.variadic)
    ? Number.POSITIVE_INFINITY
    : command.registeredArguments.length
  if (taken.length < needed) return `${path} needs ${needed} arguments`
  return taken.length > most ? `${path} takes no argument ${taken[most]}` : undefined
}

/** Whether a variable sets anything: a setting, a secret, the file of a secret. */
export function isOurVariable(name: string): boolean {
  const secrets: readonly string[] = [...SECRETS, ...SECRETS.map(fileVariable)]
  return keyByVariable.has(name) || secrets.includes(name)
}
