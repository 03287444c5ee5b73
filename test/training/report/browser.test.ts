import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import puppeteer, { type Browser, type Page } from 'puppeteer-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeReport } from '#training/report/report.ts'
import { sampleReport } from './sample.ts'

const CANDIDATES = [
  process.env.CHROMIUM_PATH,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:/Program Files/Google/Chrome/Application/chrome.exe',
]
const executablePath = CANDIDATES.find((path) => path !== undefined && existsSync(path))

interface Picture {
  width: number
  height: number
  paths: number
  texts: number
  smallest: number
}

// Run in the page, where the types of a browser are not known to the compiler.
const READ_PICTURES = `[...document.querySelectorAll('figure.chart svg')].map((svg) => {
  const { width, height } = svg.getBoundingClientRect()
  const texts = [...svg.querySelectorAll('text')]
  return {
    width, height, paths: svg.querySelectorAll('path').length, texts: texts.length,
    smallest: Math.min(...texts.map((text) => parseFloat(getComputedStyle(text).fontSize))) *
      width / svg.viewBox.baseVal.width,
  }
})`
const READ_TABLES = `[...document.querySelectorAll('figure.table')].map((figure) => [
  figure.querySelector('figcaption').textContent, figure.querySelectorAll('tbody tr').length])`

describe.skipIf(!executablePath)(`the report in a browser (needs Chromium: CHROMIUM_PATH)`, () => {
  let directory: string
  let browser: Browser
  let url: string
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'millrace-page-'))
    const { html } = await writeReport(sampleReport({ coins: ['BTC', 'ETH', 'SOL'], hours: 700 }), directory)
    url = pathToFileURL(html).href
    browser = await puppeteer.launch({
      executablePath,
      args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
    })
  })
  afterAll(async () => {
    await browser?.close()
    await rm(directory, { recursive: true, force: true })
  })

  /** Opens the page at a width; gives what it asked for and complained about. */
  async function open(width: number): Promise<{ page: Page; requests: string[]; complaints: string[] }> {
    const page = await browser.newPage()
    const requests: string[] = []
    const complaints: string[] = []
    page.on('request', (request) => requests.push(request.url()))
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(String(error)))
    await page.setViewport({ width, height: 900 })
    await page.goto(url)
    return { page, requests, complaints }
  }

  it.each([1280, 390])('asks for nothing, complains of nothing and does not overflow at %i px', async (width) => {
    const { page, requests, complaints } = await open(width)
    expect(requests.filter((request) => request !== url && !request.startsWith('data:'))).toEqual([])
    expect(complaints).toEqual([])
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width)
    await page.close()
  })

  it.each([1280, 390])('shows every picture, with legible text, at %i px', async (width) => {
    const { page } = await open(width)
    const pictures = (await page.evaluate(READ_PICTURES)) as Picture[]
    expect(pictures).toHaveLength(15)
    for (const picture of pictures) {
      expect(picture.width).toBeGreaterThan(200)
      expect(picture.height).toBeGreaterThan(100)
      expect(picture.paths).toBeGreaterThan(3)
      expect(picture.texts).toBeGreaterThan(3)
      expect(picture.smallest).toBeGreaterThan(7)
    }
    await page.close()
  })

  it('shows every table with its rows', async () => {
    const { page } = await open(1280)
    const tables = (await page.evaluate(READ_TABLES)) as [string, number][]
    expect(tables.map(([, rows]) => rows)).toEqual([4, 11, 12, 5, 3, 3, 3, 3, 2, 6, 2])
    await page.close()
  })

  it('fits on paper', async () => {
    // A4 with margins of 1 cm at 96 pixels an inch.
    const { page } = await open(718)
    await page.emulateMediaType('print')
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(718)
    const pdf = await page.pdf({ format: 'A4' })
    expect(Buffer.from(pdf.subarray(0, 5)).toString()).toBe('%PDF-')
    await page.close()
  })

  it('turns text and page over for a dark screen', async () => {
    const { page } = await open(1280)
    const read = `[getComputedStyle(document.body).backgroundColor,
      getComputedStyle(document.querySelector('svg text[fill="#22262d"]')).fill]`
    const light = (await page.evaluate(read)) as string[]
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }])
    const dark = (await page.evaluate(read)) as string[]
    expect(light).toEqual(['rgb(255, 255, 255)', 'rgb(34, 38, 45)'])
    expect(dark).toEqual(['rgb(20, 23, 28)', 'rgb(228, 231, 236)'])
    await page.close()
  })
})
