import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { TrainingOptions } from '#training/options.ts'
import type { BackendAnswer } from './backend-process.ts'
import type { Probe } from './check.ts'

const PROGRAM = fileURLToPath(new URL('./backend-process.ts', import.meta.url))
/** A driver may hang while it looks for devices. */
const PATIENCE = 60_000

/** Tries a backend in a process of its own: native libraries may end the process that loads them. */
function tryBackend({ backend, architecture }: TrainingOptions, signal: AbortSignal): Promise<BackendAnswer> {
  return new Promise((resolve, reject) => {
    const child = fork(PROGRAM, [backend, architecture.encoder], {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      timeout: PATIENCE,
      signal,
    })
    let words = ''
    child.stderr?.on('data', (chunk) => {
      words = (words + String(chunk)).slice(-500)
    })
    child.on('message', (answer) => resolve(answer as BackendAnswer))
    child.on('error', reject)
    child.on('exit', (code, killed) => {
      const how = killed === null ? `exit code ${code}` : killed
      resolve({ failure: `the process that tried it ended (${how}): ${words.trim().split('\n').at(-1) ?? ''}` })
    })
  })
}

/** Which training backend is taken, and why none before it was. */
export function backendProbe(training: TrainingOptions, signal: AbortSignal): Probe {
  const wanted = training.backend
  return {
    name: 'backend',
    async look() {
      const answer = await tryBackend(training, signal)
      if ('failure' in answer) {
        const advice = wanted === 'auto' ? 'run `npm ci` again' : 'use --backend auto'
        return { finding: 'problem', text: answer.failure, advice }
      }
      const { name, reason } = answer.backend
      const onProcessor = (name === 'wasm' || name === 'onnxruntime') && wanted === 'auto'
      return {
        finding: 'ok',
        text: `${name}: ${reason}`,
        advice: onProcessor
          ? 'nothing is needed; a GPU with Vulkan, Metal or D3D, or CUDA 11.2, would be taken by itself'
          : undefined,
        details: { wanted, name, reason },
      }
    },
  }
}
