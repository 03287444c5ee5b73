/**
 * `work`, or an error when it takes longer. The work itself goes on: what BullMQ asks a broker that is gone cannot be
 * taken back.
 *
 * @param limit milliseconds
 */
export async function withPatience<T>(work: Promise<T>, limit: number, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const impatient = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), limit)
  })
  try {
    return await Promise.race([work, impatient])
  } finally {
    clearTimeout(timer)
    // Whether it fails later is nobody's concern any more.
    work.catch(() => {})
  }
}
