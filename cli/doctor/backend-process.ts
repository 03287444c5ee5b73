import type { Backend } from '#models/backend.ts'
import type { EncoderName } from '#models/classifier/architecture.ts'
import { selectTrainingBackend } from '#models/engines.ts'
import type { TrainingOptions } from '#training/options.ts'

/** Run as a process of its own by the backend check; answers its parent with this. */
export type BackendAnswer = { readonly backend: Backend } | { readonly failure: string }

const wanted = process.argv[2] as TrainingOptions['backend']
const encoder = process.argv[3] as EncoderName

async function answer(): Promise<BackendAnswer> {
  try {
    return { backend: await selectTrainingBackend(wanted, { encoder }) }
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) }
  }
}

process.send?.(await answer(), () => process.exit(0))
