import type { Logger } from 'pino'
import { z } from 'zod'
import type { Broker } from '../broker.ts'
import { queueOf } from '../queue-of.ts'
import { type InferJob, inferResultSchema } from '../queues.ts'
import { type KeptLetter, poisonLetters } from './letter.ts'
import { putLetters } from './store.ts'

const withPoison = z
  .object({ poisoned: inferResultSchema.shape.poisoned })
  .refine(({ poisoned }) => poisoned.length > 0)

/**
 * Keeps letters about the coins that the `infer` jobs below a step have left out, and says so in the log. A step that is
 * taken again keeps the same letters.
 *
 * @param now UTC milliseconds
 * @returns the letters
 */
export async function keepPoison(
  broker: Broker,
  step: { getChildrenValues(): Promise<Record<string, unknown>> },
  { logger, now }: { readonly logger: Logger; readonly now: number },
): Promise<readonly KeptLetter[]> {
  const letters: KeptLetter[] = []
  for (const [key, value] of Object.entries(await step.getChildrenValues())) {
    const result = withPoison.safeParse(value)
    if (!result.success) continue
    const id = key.slice(key.lastIndexOf(':') + 1)
    const job = await queueOf<InferJob>(broker, 'infer').getJob(id)
    if (job) letters.push(...poisonLetters(result.data, { id, data: job.data }, job.finishedOn ?? now))
    else
      logger.warn({ job: id }, `infer job ${id} left out coins and is cleared already: there is no letter about them`)
  }
  await putLetters(broker, letters)
  for (const { id, job, cause, flow } of letters) {
    logger.error({ letter: id, job, flow }, `${cause} (put it back with \`millrace dead replay ${id}\`)`)
  }
  return letters
}
