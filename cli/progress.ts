import { Presets, SingleBar } from 'cli-progress'
import type { Progress, ProgressListener } from '#data/progress.ts'

/** Shows progress on one stream and lets other lines pass without tearing the bar. */
export interface ProgressDisplay {
  readonly listener: ProgressListener
  /** Writes whole lines; a bar that is shown moves down. */
  write(text: string): void
  /** Takes the bar away; nothing is shown from here on. */
  stop(): void
}

export interface ProgressOptions {
  readonly stream: NodeJS.WritableStream
  /** UTC milliseconds. */
  readonly now: () => number
  /** Least time between two plain lines of a stage, milliseconds. */
  readonly interval?: number
}

const INTERVAL = 5000

/** Work in hand counts in part: at most one decimal of it is shown. */
function count(done: number): number {
  return Math.floor(done * 10) / 10
}

function percent({ done, total }: Progress): string {
  return total > 0 ? `${Math.floor((100 * done) / total)} %` : ''
}

/**
 * Plain lines, for pipes and logs: the start and the end of each stage, and between them at most one line per
 * `interval`.
 */
export function createPlainProgress({ stream, now, interval = INTERVAL }: ProgressOptions): ProgressDisplay {
  const written = new Map<string, number>()
  const finished = new Set<string>()
  let stopped = false
  return {
    listener(progress) {
      if (stopped) return
      const { stage, done, total, note } = progress
      const ends = done >= total
      const last = written.get(stage)
      const begins = last === undefined || (finished.has(stage) && !ends)
      if (finished.has(stage) && ends) return
      if (!begins && !ends && now() - last < interval) return
      if (ends) finished.add(stage)
      else finished.delete(stage)
      written.set(stage, now())
      const words = [
        `${stage}:`,
        total > 1 ? `${count(done)} of ${total}` : '',
        total > 1 ? `(${percent(progress)})` : '',
      ]
      if (total <= 1) words.push(ends ? 'done' : 'begins')
      stream.write(`${[...words, note ?? ''].filter((word) => word !== '').join(' ')}\n`)
    },
    write: (text) => void stream.write(text),
    stop() {
      stopped = true
    },
  }
}

/** A bar on a terminal: one line that is drawn over, and kept when its stage is finished. */
export function createBarProgress({ stream }: ProgressOptions): ProgressDisplay {
  let bar: SingleBar | undefined
  let stopped = false
  const start = () =>
    new SingleBar(
      {
        stream,
        format: '{stage} [{bar}] {percentage} % {value}/{total} {note}',
        barsize: 24,
        // A log line in between wipes the bar: it must be drawn again although it has not changed.
        forceRedraw: true,
        gracefulExit: false,
      },
      Presets.shades_classic,
    )
  const end = () => {
    bar?.stop()
    bar = undefined
  }
  return {
    listener({ stage, done, total, note }) {
      if (stopped) return
      const payload = { stage: stage.padEnd(10), note: note ?? '' }
      if (!bar) {
        bar = start()
        bar.start(Math.max(1, total), count(done), payload)
      }
      bar.setTotal(Math.max(1, total))
      bar.update(total > 0 ? count(done) : 1, payload)
      if (done >= total) end()
    },
    write(text) {
      if (!bar) {
        stream.write(text)
        return
      }
      // Carriage return, erase to the end of the line (ECMA-48 EL).
      stream.write(`\r\u001b[K${text}`)
      bar.render()
    },
    stop() {
      stopped = true
      end()
    },
  }
}
