import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

/** A program of another's that ends when this process does, however that ends. */
export interface Tethered {
  readonly child: ChildProcess
  end(): Promise<void>
}

/** The shell reads from a pipe that closes with us, even on SIGKILL; then it ends the program. */
const TETHER = '"$@" <&- & program=$!; read -r _; kill "$program" 2>/dev/null; wait "$program"'

/** Starts `command` tied to this process; what it says on stderr and stdout is for the caller to read. */
export function tether(command: readonly string[], environment: Readonly<Record<string, string>> = {}): Tethered {
  const child = spawn('sh', ['-c', TETHER, 'sh', ...command], {
    env: { ...process.env, ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const exited = once(child, 'close')
  return {
    child,
    async end() {
      child.stdin?.end()
      await exited
    },
  }
}
