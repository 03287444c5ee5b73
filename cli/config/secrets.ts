const MASK = '***'

/** Puts `***` in the place of passwords within URLs; leaves every other value as it is. */
export function maskSecrets(value: unknown): unknown {
  if (typeof value !== 'string' || !value.includes('://')) return value
  // What is no URL may still hold a password: everything before the host goes.
  if (!URL.canParse(value)) return value.replace(/:\/\/.*@/, `://${MASK}@`)
  const url = new URL(value)
  if (url.password !== '') url.password = MASK
  for (const name of [...url.searchParams.keys()]) {
    if (/pass|secret|token|key/i.test(name)) url.searchParams.set(name, MASK)
  }
  return url.password === '' && url.search === '' ? value : url.href
}
