import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { keyByPath } from '#cli/config/keys.ts'
import { SECRETS } from '#jobs/secrets.ts'
import { createFleetMetrics } from '#jobs/watch/metrics.ts'
import { isOurVariable, wrongWith } from './command-line.ts'

const text = readFileSync('docs/fleet.md', 'utf8')
/** Lines of code blocks, and code within sentences. */
const code = [
  ...[...text.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block]) => block.split('\n')),
  ...[...text.matchAll(/`([^`\n]+)`/g)].map(([, words]) => words),
]
const commands = code.flatMap((line) => {
  const [, words] = /(?:^|\s)(?:millrace|node cli\/millrace\.ts) ([a-z][^#]*)/.exec(line.trim()) ?? []
  return words ? [words.trim().split(/\s+/)] : []
})

describe("the operator's guide", () => {
  it('names commands and flags that there are', () => {
    expect(commands.length).toBeGreaterThan(25)
    for (const words of commands) expect(wrongWith(words), `millrace ${words.join(' ')}`).toBeUndefined()
  })

  it('names variables that set something', () => {
    const names = [...text.matchAll(/\b(?:MILLRACE|REDIS|AWS)_[A-Z_]+\b/g)].map(([name]) => name)
    for (const name of new Set(names)) expect(isOurVariable(name), name).toBe(true)
  })

  it('names all secrets but the PostgreSQL that nobody is told to use', () => {
    const missing = SECRETS.filter((name) => !text.includes(`\`${name}\``))
    expect(missing).toEqual(['MILLRACE_POSTGRES_URL'])
  })

  it('names metrics and settings that there are', () => {
    const exposed = createFleetMetrics(0)
      .registry.getMetricsAsArray()
      .map(({ name }) => name)
    for (const [, name] of text.matchAll(/`(millrace_\w+)`/g)) expect(exposed).toContain(name)
    const settings = [...text.matchAll(/`((?:rounds|fleet|alerts|log|store|watch)\.[A-Za-z]+)(?:=\w+)?`/g)]
    expect(settings.length).toBeGreaterThan(4)
    for (const [, path] of settings) expect([...keyByPath.keys()]).toContain(path)
  })

  it('links to what is there', () => {
    const links = [...text.matchAll(/\]\(([^)#]+)\)/g)].map(([, target]) => target)
    expect(links.length).toBeGreaterThan(4)
    for (const target of links) expect(existsSync(join('docs', target)), target).toBe(true)
  })
})
