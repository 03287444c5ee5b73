import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { InputError } from '#data/errors.ts'
import { execute } from '../command.ts'
import { addFlags } from '../flags.ts'
import { type AlertsKnown, describeAlerts, describeDeliveries, type TestDelivery } from '../summaries/alerts.ts'

const LIST_HELP = `
An alert is sent when it begins, again every alerts.repeatHours while it lasts, and once when it is over.

Examples:
  millrace alerts list
  millrace alerts list --json | jq '.alerts[] | select(.firing)'`

const TEST_HELP = `
Sends two messages to every target, an alert and that it is over, and says what each answered. Targets are secrets: they
come from the environment, or from files that MILLRACE_ALERT_WEBHOOK_URL_FILE and its like name.

MILLRACE_ALERT_WEBHOOK_URL     takes {version, id, status, host, sentAt, alerts: [{key, rule, severity, status, text,
                               since, startsAt, endsAt}]} as JSON
MILLRACE_ALERT_WEBHOOK_SECRET  signs it: x-millrace-signature: sha256=<HMAC-SHA256 of the body, hexadecimal>
MILLRACE_ALERT_SLACK_URL       an incoming webhook of Slack, or of what speaks like it

Examples:
  MILLRACE_ALERT_WEBHOOK_URL=http://127.0.0.1:9000/alerts millrace alerts test
  MILLRACE_ALERT_SLACK_URL_FILE=/run/secrets/slack millrace alerts test --json`

/** `alerts list | test`: what is wrong, and whether it would be heard. */
export function registerAlerts(program: Command): void {
  const group = program.command('alerts').description('what is wrong with the fleet, and whether alerts arrive')

  const list = group.command('list').description('list alerts, those that fire first')
  addFlags(list, ['place']).addHelpText('after', LIST_HELP)
  list.action(
    execute(async ({ configuration, output }) => {
      await output.result(await knownAlerts(configuration.values.state), describeAlerts)
    }),
  )

  const test = group.command('test').description('send a test message to every target and say what it answered')
  addFlags(test, ['place']).addHelpText('after', TEST_HELP)
  test.action(
    execute(async ({ output, context: { now, signal }, reportFailure }) => {
      const deliveries = await sendTest(now, signal)
      if (!deliveries.every(({ delivered }) => delivered)) reportFailure()
      await output.result({ deliveries }, describeDeliveries)
    }),
  )
}

/** @throws {InputError} where no fleet was run with this state folder */
async function knownAlerts(state: string): Promise<AlertsKnown> {
  const { openRecords, recordsFile } = await import('#jobs/records.ts')
  const { ruleOf } = await import('#jobs/alerts/rules.ts')
  const path = recordsFile(state)
  if (!existsSync(path)) {
    throw new InputError(`there are no records ${path}: \`millrace up\` makes them, --state names another folder`, {
      path,
    })
  }
  const records = openRecords(path)
  try {
    const alerts = records.alerts().map((record) => ({
      ...record,
      severity: ruleOf(record.key)?.severity ?? 'warning',
    }))
    return { records: path, alerts: alerts.sort((a, b) => Number(b.firing) - Number(a.firing)) }
  } finally {
    records.close()
  }
}

/** @throws {InputError} where there is no target */
async function sendTest(now: () => number, signal: AbortSignal): Promise<TestDelivery[]> {
  const { hostname } = await import('node:os')
  const { readSecrets } = await import('#jobs/secrets.ts')
  const { alertTargets, post } = await import('#jobs/alerts/targets.ts')
  const { alertMessage } = await import('#jobs/alerts/message.ts')
  const targets = alertTargets(readSecrets(process.env))
  if (targets.length === 0) {
    throw new InputError(
      'there is no target: set MILLRACE_ALERT_WEBHOOK_URL or MILLRACE_ALERT_SLACK_URL, or a file that holds it with _FILE',
    )
  }
  const since = now()
  const alert = { key: 'test', rule: 'test', severity: 'warning', since, toldAt: null } as const
  const text = 'this is a test: nothing is wrong, and nothing is to be done'
  const messages = [
    alertMessage([{ ...alert, text, status: 'firing', endedAt: null }], hostname(), since),
    alertMessage([{ ...alert, text, status: 'resolved', endedAt: since }], hostname(), since),
  ]
  return Promise.all(
    targets.map(async (target): Promise<TestDelivery> => {
      const { name, host } = target
      try {
        const statuses: number[] = []
        for (const message of messages) statuses.push(await post(target, message, { fetch, signal }))
        return { target: name, host, delivered: true, words: `answered ${statuses.join(' and ')}` }
      } catch (error) {
        signal.throwIfAborted()
        return { target: name, host, delivered: false, words: (error as Error).message }
      }
    }),
  )
}
