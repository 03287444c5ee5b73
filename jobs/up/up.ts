import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { SERVED_KINDS } from '#models/regime.ts'
import { openRegistry } from '#models/registry.ts'
import { openObjectStore } from '#models/store/open-store.ts'
import { checkIntegrity } from '#src/ledger/integrity.ts'
import { createAlerts } from '../alerts/alerts.ts'
import { alertTargets } from '../alerts/targets.ts'
import { openBroker } from '../broker.ts'
import { describeError } from '../failures.ts'
import type { RunContext } from '../pipeline/settings.ts'
import { resolveSource } from '../pipeline/source.ts'
import { pinnedVersions } from '../pipeline/versions.ts'
import { type FleetRecords, openRecords, recordsFile } from '../records.ts'
import { startRetraining } from '../retraining/run-retraining.ts'
import { startRounds } from '../rounds/run-rounds.ts'
import { createTraderKeeper } from '../rounds/trader.ts'
import { INTEGRITY_NOTE } from '../rounds/trading.ts'
import { putSchedules, runNow } from '../schedules.ts'
import type { Secrets } from '../secrets.ts'
import { storeKeys } from '../store-keys.ts'
import { paperLedger } from '../trading/ledgers.ts'
import { writeUpAddress } from '../up-address.ts'
import { createTelemetry } from '../watch/telemetry.ts'
import { startCrew } from './crew.ts'
import { lockHome } from './home-lock.ts'
import { openRoundSource } from './rounds-of.ts'
import type { UpSettings } from './settings.ts'
import { startSteward } from './steward.ts'
import { startTicks, timings } from './ticks.ts'
import { startWatch } from './watch.ts'

/** What `up` answers when it stops. */
export interface UpSummary {
  readonly source: string
  readonly broker: string
  readonly rounds: ReturnType<FleetRecords['countRounds']>
  /** Why it stopped. */
  readonly stopped: string
}

/**
 * The home of a fleet: schedules, the steps of rounds and retrainings, worker processes for inference and training,
 * health and metrics, alerts. It alone has the state folder; workers on other machines need the broker and the model
 * store.
 *
 * What it starts it takes down again, in the opposite order, when it is told to stop or cannot go on.
 *
 * @throws {UnavailableError} where another home has the state folder
 */
export async function up(
  settings: UpSettings,
  context: RunContext & { readonly signal: AbortSignal },
  { secrets, environment }: { readonly secrets: Secrets; readonly environment: NodeJS.ProcessEnv },
): Promise<UpSummary> {
  const { paths, fleet, retraining, wheel } = settings
  const { logger, now, signal } = context
  const closers: (() => unknown)[] = []
  const later = <T>(made: T, close: (made: T) => unknown): T => {
    closers.push(() => close(made))
    return made
  }
  // What streams and follows ends with the command, however that ends.
  const ended = new AbortController()
  closers.push(() => ended.abort())
  const running = { ...context, signal: AbortSignal.any([signal, ended.signal]) }

  // An address that is none is told before anything is started.
  const targets = alertTargets(secrets)
  try {
    later(lockHome(paths.state), (unlock) => unlock())
    const records = later(openRecords(recordsFile(paths.state)), (opened) => opened.close())
    const telemetry = await createTelemetry(environment, 'millrace-up', logger)
    if (telemetry) closers.push(() => telemetry.shutdown())
    const { redisUrl, postgresUrl, namespace } = fleet
    const broker = later(
      await openBroker({
        redisUrl,
        postgresUrl,
        namespace,
        stateDirectory: paths.state,
        keep: true,
        logger,
        telemetry: telemetry?.telemetry,
      }),
      (opened) => opened.close(),
    )
    for (const remark of broker.remarks ?? []) logger.warn(remark)
    const source = await resolveSource(settings.source, context)
    const roundSource = await openRoundSource(settings, source, records, running)
    const { store: location } = settings
    const keys = storeKeys(environment)
    const store =
      location.url === undefined ? undefined : openObjectStore({ ...location, url: location.url }, { keys, now })

    const crew = later(
      await startCrew({
        broker,
        workers: fleet.workers,
        queues: ['infer', 'train'],
        concurrency: fleet.concurrency,
        modelsDirectory: paths.models,
        maxAgeDays: settings.maxAgeDays,
        threads: 1,
        drainLimit: 1000 * settings.drainSeconds,
        trainMemoryMb: settings.trainMemoryMb,
        stateDirectory: paths.state,
        // Data sets of trainings go through it, also for the workers of this machine.
        ...(location.url !== undefined && { store: { ...location, url: location.url } }),
        farewell: true,
        logger,
      }),
      (started) => started.close(),
    )
    noteIntegrity(records, paths.state, now)
    const trader = later(createTraderKeeper(paperLedger(paths.state), wheel), (keeper) => keeper.close())
    const rounds = later(
      await startRounds({
        broker,
        records,
        clock: roundSource.clock,
        markets: roundSource.markets,
        trader,
        models: paths.models,
        rounds: settings.rounds,
        wheel,
        integrityHours: settings.paper.integrityHours,
        pinned: () => pinnedVersions(settings),
        logger,
      }),
      (started) => started.drain(),
    )
    const retrainings = later(
      await startRetraining({
        broker,
        settings,
        retraining,
        records,
        logger,
        now,
        budget: roundSource.budget,
        ...(store && { store }),
      }),
      (started) => started.drain(),
    )
    const ticks = startTicks(broker, rounds, retrainings, records, settings, roundSource, running)
    for (const worker of ticks) later(worker, (started) => started.close())
    await putSchedules(broker, timings(settings, roundSource))
    if (retraining.atStart && (await hasNoChampion(paths.models))) {
      logger.info('there is no champion yet: a retraining begins now')
      await runNow(broker, 'daily', now())
    }

    const workers = [rounds.worker, retrainings.worker, ...ticks]
    const watch = await startWatch({
      broker,
      records,
      settings,
      rounds,
      roundSource,
      workers,
      secrets,
      startedAt: now(),
      logger,
      now,
    })
    closers.push(() => watch.close())
    const alerts = createAlerts({ records, options: settings.alerts, targets, now, logger })
    closers.push(() => alerts.close())
    const registry = openRegistry(paths.models)
    const steward = startSteward({ broker, records, alerts, watch, now, logger, ...(store && { store, registry }) })
    closers.push(() => steward.stop())
    const forget = await writeUpAddress(paths.state, {
      namespace: broker.namespace,
      ...(broker.name === 'postgres' && { postgresUrl: broker.workerEnvironment().MILLRACE_POSTGRES_URL }),
      http: watch.url,
    })
    closers.push(forget)
    logger.info(
      { source: source.spec.source, workers: crew.pids() },
      `the fleet is up: ${source.spec.source} on ${broker.name} ${broker.connection}, ${fleet.workers} workers, health at ${watch.url}`,
    )
    const stopped = await Promise.race([
      rounds.over.then(() => `${settings.rounds.rounds} rounds are over`),
      signal.aborted ? 'told to stop' : once(signal, 'abort').then(() => 'told to stop'),
    ])
    return { source: source.spec.source, broker: broker.name, rounds: records.countRounds(), stopped }
  } finally {
    for (const close of closers.reverse()) {
      // What cannot be closed must not keep the rest open; the log has it.
      await Promise.resolve(close()).catch((error) => logger.warn(`while stopping: ${describeError(error)}`))
    }
  }
}

async function hasNoChampion(models: string): Promise<boolean> {
  const registry = openRegistry(models)
  const champions = await Promise.all(SERVED_KINDS.map((kind) => registry.find(kind, 'champion')))
  return champions.every((id) => id === undefined)
}

/** The whole ledger is checked before anything is traded on it: what an earlier process found may have been mended. */
function noteIntegrity(records: FleetRecords, state: string, now: () => number): void {
  const path = paperLedger(state)
  if (!existsSync(path)) return
  const { broken, events, head } = checkIntegrity(path)
  const words = broken === undefined ? `${events} events, head ${head}` : `${broken.check}: ${broken.message}`
  records.putNote(INTEGRITY_NOTE, JSON.stringify({ intact: broken === undefined, words, at: now() }))
}
