import { type DestinationStream, type Logger, pino } from 'pino'
import { prettyFactory } from 'pino-pretty'
import type { ProgressListener } from '#data/progress.ts'
import { LOG_HOOKS, redact } from '#jobs/secrets.ts'
import type { InForce } from './config.ts'
import { createBarProgress, createPlainProgress, type ProgressDisplay } from './progress.ts'

/**
 * Where a command speaks: its result on stdout, everything else on stderr.
 */
export interface Output {
  /** Whether the result is to be one JSON document. */
  readonly json: boolean
  readonly logger: Logger
  readonly progress: ProgressListener
  /** The result: as JSON if that was asked for, else as the text that `describe` makes of it. */
  result<T>(value: T, describe: (value: T) => string): Promise<void>
  /** Ends the progress display; what is written later stands below it. */
  close(): void
}

export interface OutputOptions {
  readonly json: boolean
  readonly log: InForce['log']
  readonly now: () => number
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
}

const QUIET_LEVELS = ['warn', 'error', 'silent']

/** JSON has no NaN and no infinity: what is missing is null. */
function toDocument(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

/** Resolves when the text has left this process, so that the process may end. */
function writeFully(write: NodeJS.WriteStream['write'], text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    write(text, (error) => {
      // A reader that has seen enough (`| head`) is no failure.
      if (error && (error as NodeJS.ErrnoException).code !== 'EPIPE') reject(error)
      else resolve()
    })
  })
}

/** Lines for people: the message, with the level in front where it is not plain information. */
function humanLines(display: ProgressDisplay, level: string, colorize: boolean): DestinationStream {
  const pretty = prettyFactory({
    colorize,
    // Only debugging needs the fields behind a message and the time: they are noise to a reader.
    ignore: level === 'debug' ? 'pid,hostname' : 'pid,hostname,time,level',
    hideObject: level !== 'debug',
    singleLine: true,
    translateTime: 'SYS:HH:MM:ss',
    messageFormat: (entry, key) => {
      const label = Number(entry.level) >= 50 ? 'error: ' : Number(entry.level) >= 40 ? 'warning: ' : ''
      return `${level === 'debug' ? '' : label}${String(entry[key] ?? '')}`
    },
  })
  // Without its fields an entry comes without its line end.
  return { write: (line) => display.write(`${pretty(line).trimEnd()}\n`) }
}

/** Opens the output of one command. */
export function createOutput(options: OutputOptions): Output {
  const { json, log, now, stdout, stderr } = options
  const terminal = stderr.isTTY === true
  const display =
    terminal && log.format === 'human'
      ? createBarProgress({ stream: stderr, now })
      : createPlainProgress({ stream: stderr, now })
  const destination: DestinationStream =
    log.format === 'json' ? { write: (line) => display.write(line) } : humanLines(display, log.level, terminal)
  const logger = pino({ level: log.level, base: null, hooks: LOG_HOOKS }, destination)

  // The error of a write reaches its callback; this only keeps the event from ending the process.
  stdout.on('error', () => {})
  // Libraries and their banners write to stdout as they like: there, only the result may appear.
  const toStdout = stdout.write.bind(stdout)
  stdout.write = ((...args: Parameters<typeof stderr.write>) => stderr.write(...args)) as typeof stdout.write
  // And what they say of an error may hold the address that they were given.
  const toStderr = stderr.write.bind(stderr)
  stderr.write = ((text: string | Uint8Array, ...rest: never[]) =>
    toStderr(typeof text === 'string' ? redact(text) : text, ...rest)) as typeof stderr.write

  const showProgress: ProgressListener =
    log.format === 'json' ? (progress) => logger.info({ progress }, progress.stage) : display.listener
  return {
    json,
    logger,
    progress: QUIET_LEVELS.includes(log.level) ? () => {} : showProgress,
    async result(value, describe) {
      display.stop()
      const text = json ? toDocument(value) : `${describe(value).trimEnd()}\n`
      await writeFully(toStdout, redact(text))
    },
    close() {
      display.stop()
      stdout.write = toStdout
      stderr.write = toStderr
    },
  }
}
