/**
 * `node deploy/probe.ts http://127.0.0.1:9470/readyz`: exit code 0 where the answer is 2xx, else 1 with the answer on
 * stderr. A container's health check; the image has no curl.
 */
const [url] = process.argv.slice(2)
try {
  const answer = await fetch(url, { signal: AbortSignal.timeout(8_000) })
  if (!answer.ok) {
    process.stderr.write(`${answer.status} ${(await answer.text()).slice(0, 2_000)}\n`)
    process.exitCode = 1
  }
} catch (error) {
  process.stderr.write(`${url}: ${(error as Error).message}\n`)
  process.exitCode = 1
}
