import xterm from '@xterm/headless'
import { describe, expect, test } from 'vitest'
import { createBarProgress, createPlainProgress } from '#cli/progress.ts'

/** A stream that keeps what is written, as much of one as a bar asks for. */
function capture() {
  const written: string[] = []
  const stream = {
    isTTY: true,
    columns: 100,
    write(text: string) {
      written.push(text)
      return true
    },
    cursorTo: () => true,
    moveCursor: () => true,
    clearLine: () => true,
  }
  return { stream: stream as unknown as NodeJS.WritableStream, text: () => written.join('') }
}

describe('progress in plain lines', () => {
  function plain() {
    const { stream, text } = capture()
    const clock = { time: 0 }
    const display = createPlainProgress({ stream, now: () => clock.time, interval: 5000 })
    return { ...display, clock, lines: () => text().trim().split('\n') }
  }

  test('says when a stage begins and ends, and little in between', () => {
    const { listener, clock, lines } = plain()
    for (let done = 0; done <= 1000; done++) {
      clock.time = done * 12
      listener({ stage: 'train', done, total: 1000, note: `step ${done}` })
    }
    expect(lines()).toEqual([
      'train: 0 of 1000 (0 %) step 0',
      'train: 417 of 1000 (41 %) step 417',
      'train: 834 of 1000 (83 %) step 834',
      'train: 1000 of 1000 (100 %) step 1000',
    ])
  })

  test('limits each stage by itself', () => {
    const { listener, lines } = plain()
    for (const stage of ['cde', 'hmm', 'cde', 'hmm']) listener({ stage, done: 1, total: 3 })
    expect(lines()).toEqual(['cde: 1 of 3 (33 %)', 'hmm: 1 of 3 (33 %)'])
  })

  test('lets a note tell what begins', () => {
    const { listener, lines } = plain()
    listener({ stage: 'source', done: 0, total: 1, note: 'is the exchange there?' })
    listener({ stage: 'source', done: 1, total: 1, note: 'simulated' })
    expect(lines()).toEqual(['source: is the exchange there?', 'source: done simulated'])
  })

  test('tells the end once, and begins anew when a stage comes again', () => {
    const { listener, lines } = plain()
    for (const done of [0, 2, 2, 2, 0, 2]) listener({ stage: 'bars', done, total: 2 })
    expect(lines()).toHaveLength(4)
  })

  test('names no count where there is nothing to count', () => {
    const { listener, lines } = plain()
    listener({ stage: 'report', done: 0, total: 1 })
    listener({ stage: 'report', done: 1, total: 1, note: 'written' })
    expect(lines()).toEqual(['report: begins', 'report: done written'])
  })

  test('is silent once it is stopped', () => {
    const { listener, stop, lines } = plain()
    stop()
    listener({ stage: 'bars', done: 0, total: 2 })
    expect(lines()).toEqual([''])
  })
})

const { Terminal } = xterm

/** What a terminal shows after everything in `text` was written to it, without empty lines. */
async function onTerminal(text: string): Promise<string[]> {
  const terminal = new Terminal({ cols: 60, rows: 20, convertEol: true, allowProposedApi: true })
  await new Promise<void>((resolve) => terminal.write(text, resolve))
  const buffer = terminal.buffer.active
  const lines = Array.from({ length: buffer.length }, (_, row) => buffer.getLine(row)?.translateToString(true) ?? '')
  terminal.dispose()
  return lines.filter((line) => line !== '')
}

describe('the progress bar', () => {
  test('shows stage, share and note, and lets lines pass above it', async () => {
    const { stream, text } = capture()
    const display = createBarProgress({ stream, now: () => 0 })
    display.listener({ stage: 'train', done: 1, total: 4, note: 'epoch 1' })
    display.write('a remark\n')
    display.write('a second remark\n')
    display.listener({ stage: 'train', done: 4, total: 4, note: 'epoch 4' })
    display.write('the end\n')
    display.stop()
    expect(await onTerminal(text())).toEqual([
      'a remark',
      'a second remark',
      expect.stringMatching(/^train {6}\[█+\] 100 % 4\/4 epoch 4$/),
      'the end',
    ])
  })

  test('lets long lines wrap', async () => {
    const { stream, text } = capture()
    const display = createBarProgress({ stream, now: () => 0 })
    display.listener({ stage: 'train', done: 1, total: 4 })
    display.write(`${'long '.repeat(20)}end\n`)
    display.stop()
    expect((await onTerminal(text())).slice(0, 2).join('')).toContain('long end')
  })

  test('stays with the first of two stages that run side by side, and tells the end of the other', async () => {
    const { stream, text } = capture()
    let now = 0
    const display = createBarProgress({ stream, now: () => now })
    display.listener({ stage: 'slow', done: 1, total: 4 })
    display.listener({ stage: 'quick', done: 1, total: 2 })
    display.listener({ stage: 'quick', done: 2, total: 2, note: 'fitted' })
    now = 10_000
    display.listener({ stage: 'later', done: 2, total: 2 })
    display.stop()
    expect(await onTerminal(text())).toEqual([
      'quick      done fitted',
      expect.stringMatching(/^slow .* 25 % 1\/4/),
      expect.stringMatching(/^later .* 100 % 2\/2/),
    ])
  })
})
