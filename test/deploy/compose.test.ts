import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { Configuration } from '#cli/config/schema.ts'
import { isOurVariable, wrongWith } from './command-line.ts'

interface Service {
  readonly image: string
  readonly user?: string
  readonly command?: string[]
  readonly environment?: Record<string, string>
  readonly secrets?: string[]
  readonly volumes?: string[]
  readonly networks?: string[]
  readonly ports?: string[]
  readonly healthcheck?: { readonly test: string[] }
  readonly stop_grace_period?: string
  readonly read_only?: boolean
  readonly cap_drop?: string[]
  readonly security_opt?: string[]
}
interface Compose {
  readonly services: Record<string, Service>
  readonly networks: Record<string, { internal?: boolean }>
  readonly volumes: Record<string, unknown>
  readonly secrets: Record<string, { file: string }>
}

const compose = parse(readFileSync('compose.yaml', 'utf8'), { merge: true }) as Compose
const services = Object.entries(compose.services)
const ours = services.filter(([, { image }]) => image === 'millrace')

const seconds = (period: string) => Number.parseInt(period, 10) * (period.endsWith('m') ? 60 : 1)

describe('compose.yaml', () => {
  it('runs commands that there are', () => {
    expect(ours.map(([name]) => name)).toEqual(['home', 'worker'])
    for (const [name, { command }] of ours) expect(wrongWith(command!), name).toBeUndefined()
  })

  it('sets nothing that sets nothing', () => {
    for (const [name, { environment }] of ours) {
      expect(
        Object.keys(environment!).filter((variable) => !isOurVariable(variable)),
        name,
      ).toEqual([])
    }
  })

  it('hands secrets over as files, each declared, and none as a value', () => {
    for (const [name, { environment = {}, secrets = [] }] of services) {
      for (const secret of secrets) expect(compose.secrets, name).toHaveProperty(secret)
      for (const [variable, value] of Object.entries(environment)) {
        if (!String(value).startsWith('/run/secrets/')) continue
        expect(variable).toMatch(/_FILE$/)
        expect(secrets).toContain(value.slice('/run/secrets/'.length))
      }
    }
    const ignored = readFileSync('.gitignore', 'utf8').split('\n')
    for (const { file } of Object.values(compose.secrets)) expect(file).toMatch(/^\.\/deploy\/secrets\//)
    expect(ignored).toContain('deploy/secrets/')
  })

  it('mounts files that there are, and volumes that are declared', () => {
    for (const [name, { volumes = [] }] of services) {
      for (const volume of volumes) {
        const [from, to] = volume.split(':')
        if (from.startsWith('./')) expect(existsSync(from), `${name}: ${from}`).toBe(true)
        else if (to !== undefined) expect(compose.volumes, name).toHaveProperty(from)
      }
    }
  })

  it('publishes on the loopback only, and Redis not at all', () => {
    for (const [name, { ports = [] }] of services)
      for (const port of ports) expect(port, name).toMatch(/^127\.0\.0\.1:/)
    expect(compose.services.redis.ports).toBeUndefined()
    expect(compose.services.redis.networks).toEqual(['fleet'])
    expect(compose.networks.fleet.internal).toBe(true)
  })

  it('runs nothing as root, nothing with capabilities, nothing that can write to its own image', () => {
    for (const [name, service] of services) {
      expect(service.read_only, name).toBe(true)
      expect(service.cap_drop, name).toEqual(['ALL'])
      expect(service.security_opt, name).toContain('no-new-privileges:true')
      // The image of Prometheus has a user of its own.
      if (name !== 'prometheus') expect(service.user, name).toMatch(/^[1-9]/)
    }
  })

  it('waits for what drains before it kills', () => {
    const { drainSeconds } = Configuration.parse({}).fleet
    for (const [name, { stop_grace_period }] of ours) {
      expect(seconds(stop_grace_period!), name).toBeGreaterThanOrEqual(drainSeconds + 10)
    }
  })

  it('asks each for its health where it answers', () => {
    const { port } = Configuration.parse({}).watch
    const { home, worker, redis } = compose.services
    expect(home.healthcheck!.test.at(-1)).toBe(`http://127.0.0.1:${port}/readyz`)
    expect(home.ports).toEqual([`127.0.0.1:${port}:${port}`])
    const own = worker.command![worker.command!.indexOf('--port') + 1]
    expect(worker.healthcheck!.test.at(-1)).toBe(`http://127.0.0.1:${own}/healthz`)
    for (const { healthcheck } of [home, worker]) expect(existsSync(healthcheck!.test[2])).toBe(true)
    expect(redis.healthcheck!.test.at(-1)).toBe('check')
  })
})

describe('the image', () => {
  const lines = readFileSync('deploy/Dockerfile', 'utf8').split('\n')
  const copied = lines.filter((line) => /^COPY (?!--from)/.test(line)).flatMap((line) => line.split(' ').slice(1, -1))

  it('is made of files that there are, and of all folders that the program is made of', () => {
    for (const path of copied) expect(existsSync(path), path).toBe(true)
    const { imports } = JSON.parse(readFileSync('package.json', 'utf8')) as { imports: Record<string, string> }
    const folders = Object.values(imports).map((target) => target.split('/')[1])
    expect(folders.filter((folder) => !copied.includes(folder))).toEqual([])
    for (const [, { healthcheck }] of ours) expect(copied).toContain(healthcheck!.test[2])
  })

  it('gets nothing but those from whoever builds it: no state, no secrets', () => {
    const [first, ...rest] = readFileSync('deploy/Dockerfile.dockerignore', 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
    expect(first).toBe('*')
    expect(rest.map((line) => line.slice(1)).toSorted()).toEqual([...new Set(copied)].toSorted())
    expect(rest.every((line) => line.startsWith('!'))).toBe(true)
  })

  it('runs as a user that is not root, in the Node that millrace asks for', () => {
    expect(lines).toContain('USER node')
    const wanted = readFileSync('.node-version', 'utf8').trim()
    const images = lines.filter((line) => line.startsWith('FROM ')).map((line) => line.split(' ')[1])
    for (const image of images) expect(image).toMatch(new RegExp(`^node:${wanted}-`))
  })
})
