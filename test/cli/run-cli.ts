import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const PROGRAM = fileURLToPath(new URL('../../cli/millrace.ts', import.meta.url))

/** How a command ended. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Started {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
}

/** An empty folder that goes with the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-cli-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Starts the real program in an empty folder, with nothing of ours in its environment but `environment`. */
export function startCli(args: readonly string[], environment: Record<string, string> = {}): Started {
  const foreign = Object.entries(process.env).filter(
    ([name]) => !/^(MILLRACE_|REDIS_URL|VITEST|NODE_OPTIONS)/.test(name),
  )
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    cwd: temporaryFolder(),
    env: { ...Object.fromEntries(foreign), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })))
  return { child, ended }
}

/** Runs the real program to its end. */
export function runCli(args: readonly string[], environment: Record<string, string> = {}): Promise<Ended> {
  return startCli(args, environment).ended
}
