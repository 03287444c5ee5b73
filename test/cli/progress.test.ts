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

describe('the progress bar', () => {
  test('shows stage, share and note, and lets a line pass above it', () => {
    const { stream, text } = capture()
    const display = createBarProgress({ stream, now: () => 0 })
    display.listener({ stage: 'train', done: 1, total: 4, note: 'epoch 1' })
    display.write('a remark\n')
    display.stop()
    expect(text()).toMatch(/train .*25 % 1\/4 epoch 1/)
    expect(text()).toContain('\r\u001b[Ka remark\n')
  })
})
