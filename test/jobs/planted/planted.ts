/** Secrets that can be told apart, with what JSON, URLs and shells must escape; addresses without their host. */
export const PLANTED = {
  MILLRACE_TOKEN: 'plant1-"token"-\\-with-more-than-enough-characters',
  MILLRACE_ALERT_WEBHOOK_URL: '/services/plant2webhookpath?token=plant3+webhook%2Ftoken',
  MILLRACE_ALERT_WEBHOOK_SECRET: 'plant4-webhook-secret',
  MILLRACE_ALERT_SLACK_URL: '/services/T0/B0/plant5slackpathtoken',
  AWS_ACCESS_KEY_ID: 'AKIAPLANT6EXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'plant7/secret+access/key=',
  AWS_SESSION_TOKEN: 'plant8//session==token',
} as const

/** As it is, and as it stands in an address. */
export const REDIS_PASSWORD = 'plant9-redis/pass=word'
export const REDIS_PASSWORD_IN_URL = encodeURIComponent(REDIS_PASSWORD)

/** What is to be seen of planted secrets in a text, with what stands around it; also of parts of them. */
export function seen(text: string, more = ''): string[] {
  const needle =
    more === '' ? /.{0,80}plant\d.{0,40}/gi : new RegExp(`.{0,80}(plant\\d|${RegExp.escape(more)}).{0,40}`, 'gi')
  return text.match(needle) ?? []
}
