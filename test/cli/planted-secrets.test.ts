import { spawn } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { readUpAddress } from '#jobs/up-address.ts'
import { plantedEnvironment, startParrot } from '../jobs/planted/behaviour.ts'
import { dumpPostgres } from '../jobs/planted/dump.ts'
import { PLANTED, seen } from '../jobs/planted/planted.ts'
import { runCli, temporaryFolder } from './run-cli.ts'

const PROGRAM = fileURLToPath(new URL('../../cli/millrace.ts', import.meta.url))
/** So many rounds of half a second: a fleet that nobody stops ends by itself. */
const ROUNDS = 60

/** Starts a whole fleet in `state` and resolves when it is up. */
async function startUp(state: string, environment: Record<string, string>) {
  const settings = { 'rounds.pace': 0.5, 'rounds.rounds': ROUNDS, 'retraining.atStart': false, 'watch.port': 0 }
  const child = spawn(
    process.execPath,
    [
      ...[PROGRAM, 'up', '--state', state, '--source', 'simulated', '--coins', 'BTC', '--workers', '1'],
      ...['--log-level', 'debug', '--set', 'log.format=json'],
      ...Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`]),
    ],
    { cwd: temporaryFolder(), env: environment, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  onTestFinished(() => void child.kill('SIGKILL'))
  const output = { text: '' }
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output.text += chunk
        if (output.text.includes('the fleet is up')) resolve()
      })
    }
    ended.then(() => reject(new Error(output.text)))
  })
  return { output, ended, stop: () => child.kill('SIGTERM') }
}

/** Everything that a fleet leaves in its folder, but for the embedded server's own files and its address. */
async function filesOf(state: string): Promise<string> {
  const entries = await readdir(state, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  const ours = paths.filter((path) => !/^(broker|up\.json$)/.test(relative(state, path)))
  return (await Promise.all(ours.map((path) => readFile(path, 'latin1')))).join('\n')
}

test('no secret of a running fleet is to be seen: by HTTP, in commands, in its broker, its files and its log', async () => {
  const state = temporaryFolder()
  const parrot = await startParrot()
  const environment = {
    ...plantedEnvironment(parrot.address),
    MILLRACE_STORE_URL: 's3://bucket/prefix',
    MILLRACE_STORE_ENDPOINT: parrot.address,
  }
  const { output, ended, stop } = await startUp(state, environment)
  const up = (await readUpAddress(state))!
  const password = new URL(up.postgresUrl!).password
  const command = async (...args: string[]) => {
    const { stdout, stderr } = await runCli([...args, '--state', state], environment)
    return `${args.join(' ')}\n${stdout}${stderr}`
  }
  const bearer = { authorization: `Bearer ${PLANTED.MILLRACE_TOKEN}` }
  const get = async (path: string, headers = {}) => {
    const response = await fetch(up.http + path, { headers })
    return `${path} ${response.status} ${JSON.stringify([...response.headers])} ${await response.text()}`
  }

  // What fails in the fleet itself: the storage refuses the data set of a retraining.
  const told = await command('schedule', 'run-now', 'daily')
  const answers = await Promise.all([
    ...['/healthz', '/readyz', '/metrics', '/status', '/queues', '/nowhere'].map((path) => get(path)),
    ...['/queues', '/queues/api/queues', '/queues/nowhere'].map((path) => get(path, bearer)),
    get('/queues', { authorization: `Bearer ${PLANTED.MILLRACE_TOKEN}-and-wrong` }),
  ])
  const commands = [
    told,
    ...(await Promise.all([command('status', '--json'), command('alerts', 'test')])),
    ...(await Promise.all([command('config'), command('config', '--json')])),
    ...(await Promise.all([command('doctor', '--source', 'simulated'), command('dead', 'list', '--json')])),
  ]
  const dump = await dumpPostgres(up.postgresUrl!)
  stop()
  await ended
  const files = await filesOf(state)
  const found = (text: string) => seen(text, password)
  expect(found(answers.join('\n'))).toEqual([])
  expect(found(commands.join('\n'))).toEqual([])
  expect(found(dump)).toEqual([])
  expect(found(files)).toEqual([])
  expect(found(output.text)).toEqual([])

  // It was a fleet that worked, and each was asked.
  expect(answers.map((answer) => answer.split(' ', 2).join(' '))).toEqual(
    expect.arrayContaining(['/healthz 200', '/metrics 200', '/status 200', '/queues 401', '/queues/api/queues 200']),
  )
  expect(commands.join('\n')).toMatch(/webhook +127\.0\.0\.1:\d+ +problem +webhook 127\.0\.0\.1:\d+ answered 500/)
  expect(dump).toMatch(/hourly-2\S+\.integrity/)
  expect(dump).toMatch(/daily-2\S+\.dataset/)
  expect(parrot.heard.join('\n')).toContain(PLANTED.AWS_ACCESS_KEY_ID)
})
