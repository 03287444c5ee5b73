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
      if (total <= 1 && (ends || !note)) words.push(ends ? 'done' : 'begins')
      stream.write(`${[...words, note ?? ''].filter((word) => word !== '').join(' ')}\n`)
    },
    write: (text) => void stream.write(text),
    stop() {
      stopped = true
    },
  }
}

/** A stage that has been silent for so long gives its line to another one, milliseconds. */
const SILENCE = 2000

/**
 * A bar on a terminal: one line that is drawn over, and kept when its stage is finished. Of stages that run side by
 * side the first has the bar, the others are told when they end.
 */
export function createBarProgress({ stream, now }: ProgressOptions): ProgressDisplay {
  let shown: { readonly stage: string; readonly bar: SingleBar; updated: number } | undefined
  let stopped = false
  const start = ({ stage, total }: Progress) => {
    const bar = new SingleBar(
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
    bar.start(Math.max(1, total), 0, { stage: stage.padEnd(10), note: '' })
    return { stage, bar, updated: now() }
  }
  const end = () => {
    shown?.bar.stop()
    shown = undefined
  }
  const write = (text: string) => {
    if (!shown) {
      stream.write(text)
      return
    }
    // Erase the line (ECMA-48 EL) and let long lines wrap (DECAWM). The bar goes back to the position saved (DECSC) when
    // it ends: that must be below what is written now.
    stream.write(`\r\u001b[K\u001b[?7h${text}\u001b[?7l\u001b7`)
    shown.bar.render()
  }
  return {
    listener(progress) {
      if (stopped) return
      const { stage, done, total, note } = progress
      const ends = done >= total
      if (shown && shown.stage !== stage) {
        if (now() - shown.updated < SILENCE) {
          if (ends) write(`${stage.padEnd(10)} done ${note ?? ''}\n`)
          return
        }
        end()
      }
      shown ??= start(progress)
      shown.updated = now()
      shown.bar.setTotal(Math.max(1, total))
      shown.bar.update(total > 0 ? count(done) : 1, { stage: stage.padEnd(10), note: note ?? '' })
      if (ends) end()
    },
    write,
    stop() {
      stopped = true
      end()
    },
  }
}
