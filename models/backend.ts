import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import util, { promisify } from 'node:util'
import * as tf from '@tensorflow/tfjs'
import { UnavailableError } from '#data/errors.ts'

/** Training backends in the order in which `auto` tries them (design section 7). */
export const BACKENDS = ['tfjs-native-gpu', 'webgpu', 'wasm'] as const
export type BackendName = (typeof BACKENDS)[number]

/** The backend in force and why it was taken. */
export interface Backend {
  readonly name: BackendName
  /** One sentence: what was tried before, and why it was not taken. */
  readonly reason: string
}

interface Trial {
  /** Loads the library and makes it TensorFlow.js's backend; says in a few words what it runs on. */
  readonly load: (askedByName: boolean) => Promise<string>
}

/** tfjs-node 4.22 calls a function that Node 23 removed. */
function restoreIsNullOrUndefined(): void {
  const legacy = util as { isNullOrUndefined?: (value: unknown) => boolean }
  legacy.isNullOrUndefined ??= (value) => value === null || value === undefined
}

async function activate(name: string): Promise<void> {
  if (!(await tf.setBackend(name))) throw new Error(`TensorFlow.js could not start its backend "${name}"`)
  await tf.ready()
}

const TRIALS: Record<BackendName, Trial> = {
  'tfjs-native-gpu': {
    async load() {
      restoreIsNullOrUndefined()
      // Optional dependency: the name is not resolved by the compiler, because it may not be installed.
      const packageName = 'tfjs-native-gpu'
      const native = await import(packageName)
      await activate('tensorflow')
      const binding = (native.default ?? native).backend() as { isUsingGpuDevice?: boolean }
      return binding.isUsingGpuDevice ? 'CUDA' : "TensorFlow's CPU kernels, no CUDA device"
    },
  },
  webgpu: {
    async load(askedByName) {
      const { vendor, architecture, description, device, isFallbackAdapter } = await probeAdapter()
      // A renderer in software computes rightly but far slower than wasm: only for whoever asks for it.
      if (
        !askedByName &&
        (isFallbackAdapter || /swiftshader|llvmpipe/i.test(`${architecture} ${description} ${device}`))
      ) {
        throw new Error(`only a software renderer (${architecture || description || device})`)
      }
      const { create, globals } = await import('webgpu')
      Object.assign(globalThis, globals)
      // Node has a navigator of its own, without gpu.
      Object.defineProperty(globalThis.navigator, 'gpu', { value: create([]), configurable: true })
      await import('@tensorflow/tfjs-backend-webgpu')
      await activate('webgpu')
      return description || device || `${vendor} ${architecture}`.trim()
    },
  },
  wasm: {
    async load() {
      const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm')
      const entry = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm')
      setWasmPaths(entry.slice(0, Math.max(entry.lastIndexOf('/'), entry.lastIndexOf('\\')) + 1))
      await activate('wasm')
      return 'CPU, one thread'
    },
  },
}

interface AdapterInfo {
  readonly vendor: string
  readonly architecture: string
  readonly description: string
  readonly device: string
  readonly isFallbackAdapter: boolean
}

const NOT_INSTALLED = 'its package is not installed'

/** Longest wait for a graphics driver, milliseconds. */
const PROBE_PATIENCE = 20_000

const PROBE = fileURLToPath(new URL('./webgpu-probe.ts', import.meta.url))

/** Why the probe ended without an answer, in a few words. */
function probeFailure({ killed, signal, stderr }: { killed?: boolean; signal?: string; stderr?: string }): string {
  if (killed) return 'the graphics driver did not answer in time'
  if (signal) return `the graphics driver crashed (${signal})`
  if (stderr?.includes('ERR_MODULE_NOT_FOUND')) return NOT_INSTALLED
  const said = stderr?.split('\n').find((line) => /^\w*Error\b/.test(line))
  return `the graphics library failed${said ? `: ${said.trim()}` : ''}`
}

/**
 * Asks for the graphics adapter in a process of its own, which may die without harm.
 *
 * @param program prints an {@link AdapterInfo} as JSON, or nothing where there is none; `webgpu-probe.ts` unless given
 * @param patience milliseconds
 * @throws {Error} saying in a few words why there is no adapter
 */
export async function probeAdapter(program: string = PROBE, patience: number = PROBE_PATIENCE): Promise<AdapterInfo> {
  // SIGKILL, because a driver that hangs in native code hears nothing else.
  const options = { timeout: patience, killSignal: 'SIGKILL' } as const
  const { stdout } = await promisify(execFile)(process.execPath, [program], options).catch((error) => {
    throw new Error(probeFailure(error), { cause: error })
  })
  if (stdout === '') throw new Error('no graphics adapter')
  return JSON.parse(stdout) as AdapterInfo
}

/**
 * Starts the TensorFlow.js backend asked for; `auto` takes the first of {@link BACKENDS} that works on this
 * machine. A missing library or GPU is a reason, never a crash.
 *
 * @throws {UnavailableError} if the backend asked for by name (or, with `auto`, every one) cannot be started
 */
export async function selectBackend(wanted: BackendName | 'auto' = 'auto'): Promise<Backend> {
  const failures: string[] = []
  for (const name of wanted === 'auto' ? BACKENDS : [wanted]) {
    try {
      const device = await TRIALS[name].load(wanted !== 'auto')
      return { name, reason: [...failures, `${name} works (${device})`].join('; ') }
    } catch (error) {
      failures.push(`${name} not taken: ${firstLine(error)}`)
    }
  }
  throw new UnavailableError(`no training backend could be started: ${failures.join('; ')}`, { wanted })
}

function firstLine(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ERR_MODULE_NOT_FOUND') return NOT_INSTALLED
  return String(message ?? error)
    .split('\n')[0]
    .slice(0, 160)
}
