import type { Logger } from 'pino'
import { InputError, UnavailableError } from '#data/errors.ts'
import { type Broker, type OpenBrokerOptions, openBroker } from './broker.ts'
import { readUpAddress } from './up-address.ts'

/**
 * Opens the broker of a fleet that runs already: that of the settings (`REDIS_URL`, `MILLRACE_POSTGRES_URL`), or the
 * embedded one of the `millrace up` that has the state folder. Never starts a server of its own: nobody would listen
 * to it.
 *
 * @throws {InputError} where no fleet is to be found, with what to do
 * @throws {UnavailableError} when the broker named does not answer
 */
export async function openRunningBroker(settings: Omit<OpenBrokerOptions, 'logger'>, logger: Logger): Promise<Broker> {
  if (settings.redisUrl || settings.postgresUrl) return openBroker({ ...settings, logger })
  const { stateDirectory } = settings
  const up = await readUpAddress(stateDirectory)
  if (!up) {
    throw new InputError(
      `no fleet runs on the state folder ${stateDirectory}: start one with \`millrace up\`, or set REDIS_URL to the Redis of a fleet elsewhere`,
      { stateDirectory },
    )
  }
  if (up.postgresUrl === undefined) {
    throw new InputError(
      `the fleet on the state folder ${stateDirectory} (process ${up.pid}) does not use the embedded broker: set REDIS_URL to the Redis that it uses`,
      { stateDirectory, pid: up.pid },
    )
  }
  try {
    return await openBroker({ postgresUrl: up.postgresUrl, namespace: up.namespace, stateDirectory, logger })
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error
    throw new UnavailableError(
      `the fleet on the state folder ${stateDirectory} (process ${up.pid}) does not answer: ${error.message}`,
      { stateDirectory, pid: up.pid },
      error,
    )
  }
}
