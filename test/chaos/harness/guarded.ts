import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/**
 * A program that does not know our IPC channel and still ends when this process does, however that ends: a shell
 * beside it reads from a pipe of ours, and kills the program when the pipe closes.
 */
const GUARD = `
exec 3<&0
"$@" 3<&- </dev/null &
program=$!
( read -r _ <&3; kill -9 $program ) >/dev/null 2>&1 &
guard=$!
exec 3<&-
echo "guarded $program"
wait $program 2>/dev/null
code=$?
kill $guard 2>/dev/null
exit $code
`

export interface Guarded {
  /** Of the program itself. */
  readonly pid: number
  /** Resolves with the exit code, 128 and more for a signal, when the program has ended. */
  readonly exited: Promise<number>
  /** The last lines that it printed. */
  output(): string
  /** Resolves when a line of the output matches; rejects when the program ends before. */
  said(pattern: RegExp): Promise<string>
  /** Kills it, as `kill -9` does, and resolves when it is gone. */
  kill(): Promise<void>
}

/** Starts `command`; what it prints is kept and can be waited for. */
export async function spawnGuarded(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Guarded> {
  const shell: ChildProcess = spawn('sh', ['-c', GUARD, 'guard', command, ...args], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  const listeners = new Set<() => void>()
  for (const input of [shell.stdout!, shell.stderr!]) {
    createInterface({ input }).on('line', (line) => {
      lines.push(line)
      for (const listener of listeners) listener()
    })
  }
  const exited = once(shell, 'close').then(([code]) => code as number)
  const said = (pattern: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const look = () => {
        const found = lines.find((line) => pattern.test(line))
        if (found === undefined) return
        listeners.delete(look)
        resolve(found)
      }
      listeners.add(look)
      look()
      exited.then((code) => reject(new Error(`${command} ended with ${code}: ${lines.slice(-5).join('\n')}`)))
    })
  const pid = Number((await said(/^guarded \d+$/)).split(' ')[1])
  return {
    pid,
    exited,
    output: () => lines.slice(-5).join('\n'),
    said,
    async kill() {
      // The shell kills the program and waits for it; by itself it would be a zombie, and alive by its pid.
      shell.stdin!.end()
      await exited
    },
  }
}
