import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FatalError } from '#data/errors.ts'
import { writeReport } from '#training/report/report.ts'
import { sampleReport } from './sample.ts'

const EIGHT = ['BTC', 'ETH', 'HYPE', 'SOL', 'DOGE', 'AVAX', 'LINK', 'UNI']

describe('writeReport', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'millrace-report-'))
  })
  afterEach(() => rm(directory, { recursive: true, force: true }))

  it('writes page, JSON and a CSV for each table, and nothing else', async () => {
    const data = sampleReport({ coins: ['BTC'], hours: 300 })
    const files = await writeReport(data, join(directory, 'made', 'here'))
    const written = await readdir(join(directory, 'made', 'here'))
    expect(written.sort()).toEqual([files.html, files.json, ...files.csv].map((path) => basename(path)).sort())
    const json = JSON.parse(await readFile(files.json, 'utf8'))
    expect(json).toEqual(JSON.parse(JSON.stringify(data)))
    expect(json.evaluation.models.cde.macroF1).toBe(data.evaluation.models.cde.macroF1)
    expect(await readFile(files.html, 'utf8')).toMatch(/^\s*<!doctype html>/)
  })

  it('replaces a report that is already there', async () => {
    await writeFile(join(directory, 'report.html'), 'old')
    const { html } = await writeReport(sampleReport({ coins: ['BTC'], hours: 300 }), directory)
    expect(await readFile(html, 'utf8')).not.toBe('old')
  })

  it('names the path when it cannot write', async () => {
    const blocked = join(directory, 'file')
    await writeFile(blocked, '')
    const attempt = writeReport(sampleReport({ coins: ['BTC'], hours: 300 }), blocked)
    await expect(attempt).rejects.toThrow(FatalError)
    await expect(attempt).rejects.toThrow(blocked)
  })

  it('takes eight coins of 1,200 hours in its stride: 5 s of one core and 3 MB', async () => {
    const data = sampleReport({ coins: EIGHT, hours: 1200 })
    // Processor time, so that a busy machine does not fail the test.
    const before = process.cpuUsage()
    const { html } = await writeReport(data, directory)
    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 1000).toBeLessThan(5000)
    expect((await stat(html)).size).toBeLessThan(3_000_000)
  })
})
