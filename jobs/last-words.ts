import { redact } from './secrets.ts'

/** Lets an error that nobody caught end the process as Node would, its stack on stderr, but without secrets. */
export function redactLastWords(): void {
  process.on('uncaughtException', (error: unknown) => {
    const words = error instanceof Error ? (error.stack ?? error.message) : String(error)
    process.stderr.write(`${redact(words)}\n`)
    process.exit(1)
  })
}
