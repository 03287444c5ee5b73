import { ModelError } from '#data/errors.ts'
import { asRegimeModel, openOnnxSession } from '#models/onnx/session.ts'
import { ONNX_FILE, openRegistry, type Registry } from '#models/registry.ts'
import type { VersionName } from '#models/registry-expiry.ts'
import { runSelfCheck, SELF_CHECK_FILE } from '#models/self-check.ts'
import { publishVersion } from '#models/store/versions.ts'
import type { RetrainingDeps } from './deps.ts'
import type { StepResults } from './progress.ts'
import { newlyShipped } from './shipped.ts'

/**
 * The step `export`: reads the versions that the verdict ships from the disk, runs their graphs here, compares what they
 * say with what the trained models said, and puts them where other machines get them, before any of them may serve.
 *
 * @returns why a version must not be promoted; its champion stays
 * @throws {UnavailableError} where the store does not answer
 */
export async function exportStep(
  { settings, store, logger }: RetrainingDeps,
  trained: StepResults['train'],
  judged: StepResults['evaluate'],
  signal?: AbortSignal,
): Promise<StepResults['export']> {
  const registry = openRegistry(settings.paths.models)
  const failures: Record<string, string> = {}
  for (const version of newlyShipped(trained, judged)) {
    const { kind, id } = version
    try {
      const difference = await checkFromDisk(registry, version)
      logger.info(
        { kind, id },
        `${kind} ${id} says here what it said when it was trained, within ${difference.toExponential(1)}`,
      )
      if (store) await publishVersion(store, registry, { kind, id, signal })
    } catch (error) {
      if (!(error instanceof ModelError)) throw error
      failures[kind] = error.message
      logger.error({ kind, id }, `${kind} ${id} must not serve: ${error.message}`)
    }
  }
  return { failures }
}

/**
 * Compares the graph on disk with the answers of the trained model.
 *
 * @returns the largest absolute difference of probabilities
 * @throws {ModelError} where a file is not what the card says, or the answers differ by 1e-5 or more
 */
async function checkFromDisk(registry: Registry, { kind, id }: VersionName): Promise<number> {
  const { card, files } = await registry.read(kind, id)
  const session = await openOnnxSession(files.get(ONNX_FILE)!, { threads: 1 })
  try {
    return await runSelfCheck(`${kind} ${id}`, asRegimeModel(session, card), files.get(SELF_CHECK_FILE))
  } finally {
    await session.dispose()
  }
}
