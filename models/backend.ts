import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import util, { promisify } from 'node:util'
import * as tf from '@tensorflow/tfjs'
import { UnavailableError } from '#data/errors.ts'
import { loadRuntime } from './onnx/runtime.ts'

/** TensorFlow.js's training backends in the order in which `auto` tries them (design section 7). */
export const BACKENDS = ['tfjs-native-gpu', 'webgpu', 'wasm'] as const
type TensorflowBackend = (typeof BACKENDS)[number]

/** All training backends; the last trains the encoders that have a graph (`engines.ts` says when `auto` takes it). */
export const BACKEND_NAMES = [...BACKENDS, 'onnxruntime'] as const
export type BackendName = (typeof BACKEND_NAMES)[number]

/** The backend in force and why it was taken. */
export interface Backend {
  readonly name: BackendName
  /** One sentence: what was tried before, and why it was not taken. */
  readonly reason: string
}

/** How a backend failed that went on computing, in a few words; its results since then are worth nothing. */
let silentFailure: string | undefined

/**
 * Why the results of the backend in force must not be used; undefined while all is well. A graphics card that is lost or
 * out of memory goes on answering, with zeros: whoever takes a result asks here before using it.
 */
export function backendFault(): string | undefined {
  return silentFailure
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

/** TensorFlow.js's own name of each backend. */
const NAMES: Record<TensorflowBackend, string> = { 'tfjs-native-gpu': 'tensorflow', webgpu: 'webgpu', wasm: 'wasm' }

async function activate(backend: TensorflowBackend): Promise<void> {
  const name = NAMES[backend]
  silentFailure = undefined
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
      await activate('tfjs-native-gpu')
      const binding = (native.default ?? native).backend() as { isUsingGpuDevice?: boolean }
      return binding.isUsingGpuDevice ? 'CUDA' : "TensorFlow's CPU kernels, no CUDA device"
    },
  },
  webgpu: {
    async load(askedByName) {
      const adapter = await probeAdapter()
      const { vendor, architecture, description, device } = adapter
      // A renderer in software computes rightly but far slower than wasm: only for whoever asks for it.
      if (!askedByName && isSoftwareRenderer(adapter)) {
        throw new Error(`only a software renderer (${architecture || description || device})`)
      }
      await installWebGpu()
      await import('@tensorflow/tfjs-backend-webgpu')
      await activate('webgpu')
      watchDevice()
      return description || device || `${vendor} ${architecture}`.trim()
    },
  },
  wasm: {
    async load() {
      const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm')
      const entry = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm')
      setWasmPaths(entry.slice(0, Math.max(entry.lastIndexOf('/'), entry.lastIndexOf('\\')) + 1))
      await activate('wasm')
      guardMemory()
      return 'CPU'
    },
  },
  onnxruntime: {
    async load(askedByName) {
      await loadRuntime()
      // Novelty, parity and whatever else is no training is computed there.
      await TRIALS.wasm.load(askedByName)
      return 'CPU'
    },
  },
}

/** The parts of TensorFlow.js's WebGPU backend and of a device that are watched. */
interface WatchedBackend {
  readonly device: {
    readonly lost: Promise<{ readonly reason: string; readonly message: string }>
    addEventListener(type: 'uncapturederror', listener: (event: { error: Error }) => void): void
  }
}

/** WebGPU reports what goes wrong beside the call that it went wrong in. */
function watchDevice(): void {
  const backend = tf.backend()
  const { device } = backend as unknown as WatchedBackend
  const report = (words: string) => {
    if (tf.getBackend() === NAMES.webgpu && tf.backend() === backend) silentFailure ??= words
  }
  device.lost.then(({ reason, message }) => report(`the graphics device was lost (${reason}: ${firstLine(message)})`))
  device.addEventListener('uncapturederror', ({ error }) => report(`the graphics device: ${firstLine(error)}`))
}

interface WasmMemory {
  _malloc: (bytes: number) => number
  _free: (address: number) => void
  readonly HEAPU8: Uint8Array
}

const guarded = new WeakSet<object>()

/**
 * Where its memory is used up, the wasm backend is given address 0, or one beyond the end, and would compute with what
 * stands there.
 */
function guardMemory(): void {
  const { wasm } = tf.backend() as unknown as { wasm: WasmMemory }
  if (guarded.has(wasm)) return
  guarded.add(wasm)
  // Its first call puts another function in its own place.
  wasm._free(wasm._malloc(1))
  const allocate = wasm._malloc
  wasm._malloc = (bytes) => {
    const address = allocate(bytes)
    // Addresses above 2 GiB come as negative numbers.
    const lost = address === 0 || (address >>> 0) + bytes > wasm.HEAPU8.length
    if (lost && bytes > 0) throw new Error(`no wasm memory is left for ${bytes} bytes (of 4 GiB at most)`)
    return address
  }
}

/**
 * Frees a backend of TensorFlow.js that failed, with all that is on it, so that selecting it again starts it afresh.
 * onnxruntime keeps nothing outside of its sessions.
 */
export function discardBackend(backend: BackendName): void {
  if (backend === 'onnxruntime') return
  const name = NAMES[backend]
  const instance = tf.findBackend(name)
  const factory = tf.findBackendFactory(name)
  if (!instance || !factory) return
  try {
    tf.removeBackend(name)
  } catch {
    // One that is broken cannot even clean up; its memory goes with it.
    instance.dispose = () => {}
    tf.removeBackend(name)
  }
  tf.registerBackend(name, factory)
}

/** Once and for ever: a device whose instance is collected as garbage takes the process down with it. */
async function installWebGpu(): Promise<void> {
  // Node has a navigator of its own, without gpu.
  if ('gpu' in globalThis.navigator) return
  const { create, globals } = await import('webgpu')
  Object.assign(globalThis, globals)
  Object.defineProperty(globalThis.navigator, 'gpu', { value: create([]), configurable: true })
}

interface AdapterInfo {
  readonly vendor: string
  readonly architecture: string
  readonly description: string
  readonly device: string
  readonly isFallbackAdapter: boolean
}

/** Whether an adapter is a processor that plays graphics card. */
export function isSoftwareRenderer({ architecture, description, device, isFallbackAdapter }: AdapterInfo): boolean {
  return isFallbackAdapter || /swiftshader|llvmpipe/i.test(`${architecture} ${description} ${device}`)
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
 * Starts the training backend asked for, and a backend of TensorFlow.js with it; `auto` takes the first of {@link BACKENDS} that works on this
 * machine. A missing library or GPU is a reason, never a crash.
 *
 * @param below with `auto`: only backends behind this one, which failed
 * @throws {UnavailableError} if the backend asked for by name (or, with `auto`, every one) cannot be started
 */
export async function selectBackend(
  wanted: BackendName | 'auto' = 'auto',
  below?: TensorflowBackend,
): Promise<Backend> {
  const failures: string[] = []
  const first = below === undefined ? 0 : BACKENDS.indexOf(below) + 1
  for (const name of wanted === 'auto' ? BACKENDS.slice(first) : [wanted]) {
    try {
      const device = await TRIALS[name].load(wanted !== 'auto')
      return { name, reason: [...failures, `${name} works (${device})`].join('; ') }
    } catch (error) {
      failures.push(`${name} not taken: ${firstLine(error)}`)
    }
  }
  const why = failures.length > 0 ? failures.join('; ') : `there is none below ${below}`
  throw new UnavailableError(`no training backend could be started: ${why}`, { wanted })
}

function firstLine(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ERR_MODULE_NOT_FOUND') return NOT_INSTALLED
  return String(message ?? error)
    .split('\n')[0]
    .slice(0, 160)
}
