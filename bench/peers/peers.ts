import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BenchOptions, compareWith, type Row, type Suite, type Table } from '../suite.ts'
import { writePeerCase } from './case.ts'

/** The size that the design speaks of, and the size that is trained. */
const SIZES = [
  { hidden: 64, width: 128, knots: 48 },
  { hidden: 32, width: 32, knots: 24 },
]
const SETTINGS = { windows: 1024, batch: 256, learningRate: 1e-3, weightDecay: 1e-2 }
const OURS = 'millrace, wasm, 1 thread'
/** Losses of the same batch in float32. */
const SAME_LOSS = 1e-4

interface Peer {
  readonly name: string
  readonly command: readonly string[]
}

/** What a program said. */
interface Run {
  /** Seconds from the start of its process to the first loss. */
  readonly untilFirstLoss: number
  readonly firstLoss: number
  readonly lastLoss: number
  /** Seconds of each epoch on the wall, and of processor time over all threads. */
  readonly seconds: readonly number[]
  readonly cpuSeconds: readonly number[]
  readonly versions: Readonly<Record<string, string>>
}

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url))

function peersOf(python: string | undefined): Peer[] {
  const inThreads = (threads: number) => `${threads} thread${threads > 1 ? 's' : ''}`
  const ours = ['wasm', 'onnxruntime'].flatMap((backend) =>
    [1, 2].map((threads) => ({
      name: `millrace, ${backend}, ${inThreads(threads)}`,
      command: [process.execPath, here('millrace_epochs.ts'), backend, String(threads)],
    })),
  )
  if (python === undefined) return ours
  const theirs = ['torchcde', 'diffrax'].flatMap((library) =>
    [1, 2].map((threads) => ({
      name: `${library}, ${inThreads(threads)}`,
      command: [python, here(`${library}_epochs.py`), String(threads)],
    })),
  )
  return [...ours, ...theirs]
}

/**
 * Runs one program in a process of its own.
 *
 * @throws {Error} with the last line that it wrote to stderr
 */
function runPeer({ command: [program, script, ...rest] }: Peer, stem: string): Promise<Run> {
  return new Promise((resolve, reject) => {
    const started = performance.now()
    const child = spawn(program, [script, stem, ...rest], { stdio: ['ignore', 'pipe', 'pipe'] })
    let untilFirstLoss = Number.NaN
    let said = ''
    let complaint = ''
    child.stdout.on('data', (chunk) => {
      said += chunk
      if (Number.isNaN(untilFirstLoss) && said.includes('firstLoss')) {
        untilFirstLoss = (performance.now() - started) / 1000
      }
    })
    child.stderr.on('data', (chunk) => {
      complaint += chunk
    })
    child.on('error', reject)
    child.on('close', (code) => {
      const lines = said.split('\n').filter((line) => line.startsWith('{'))
      if (code !== 0 || lines.length < 2) {
        reject(new Error(complaint.trim().split('\n').at(-1) || `ended with code ${code}`))
        return
      }
      resolve({ untilFirstLoss, ...Object.assign({}, ...lines.map((line) => JSON.parse(line))) })
    })
  })
}

async function compare(
  size: (typeof SIZES)[number],
  epochs: number,
  { python, clock }: Pick<BenchOptions, 'python' | 'clock'>,
): Promise<Table[]> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-peers-'))
  const stem = join(folder, 'case')
  const perEpoch: Record<string, Omit<Row, 'case' | 'ratio'>> = {}
  const untilFirst: typeof perEpoch = {}
  const remarks: string[] = []
  let ours: Run | undefined
  try {
    writePeerCase(stem, size, { ...SETTINGS, epochs })
    for (const peer of peersOf(python)) {
      const run = await runPeer(peer, stem).catch((error: Error) => error)
      if (run instanceof Error) {
        remarks.push(`${peer.name} could not be timed: ${run.message}`)
        continue
      }
      if (peer.name === OURS) ours = run
      const times = clock === 'cpu' ? run.cpuSeconds : run.seconds
      perEpoch[peer.name] = { median: times.toSorted((a, b) => a - b)[times.length >> 1] }
      untilFirst[peer.name] = { median: run.untilFirstLoss }
      const packages = Object.entries(run.versions).map(([name, version]) => `${name} ${version}`)
      const losses = `first loss ${run.firstLoss.toFixed(6)}, last ${run.lastLoss.toFixed(6)}`
      remarks.push(`${peer.name}: ${losses} (${packages.join(', ')})`)
      if (ours && Math.abs(run.firstLoss / ours.firstLoss - 1) > SAME_LOSS) {
        throw new Error(`${peer.name} computes another loss (${run.firstLoss}) than millrace (${ours.firstLoss})`)
      }
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
  if (!ours) throw new Error(remarks[0])
  if (python === undefined) {
    remarks.push(
      'torchcde and diffrax are not timed without --python PATH, a Python that has what bench/peers/*.py need:',
    )
    remarks.push('  python -m venv venv && venv/bin/pip install torch torchcde jax diffrax optax numpy')
  }
  const { hidden, width, knots } = size
  const what = `${knots} knots, 7 channels, hidden ${hidden}, width ${width}, Euler`
  return [
    {
      title: `an epoch of ${SETTINGS.windows} windows in batches of ${SETTINGS.batch}: forward, backward, AdamW; ${what}`,
      unit: `${clock === 'cpu' ? 's of processor time, all threads,' : 's'} an epoch; ratios below 1 are slower than ${OURS}`,
      rows: compareWith(OURS, perEpoch),
    },
    {
      title: `from the start of the process to the first loss, imports and compilation included; ${what}`,
      unit: `s; ratios below 1 are slower than ${OURS}`,
      rows: compareWith(OURS, untilFirst),
      remarks,
    },
  ]
}

/** One way of training in three libraries, millrace on both of its processor backends, each in processes of its own, on the same weights, windows and batches. */
export const peers: Suite = async (options) => {
  const tables: Table[] = []
  const epochs = Math.max(3, Math.round(options.seconds))
  for (const size of SIZES) tables.push(...(await compare(size, epochs, options)))
  return tables
}
