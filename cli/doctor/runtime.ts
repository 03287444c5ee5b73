import type { Probe } from './check.ts'

/** The model runtime and the devices that it was built for. */
export const runtimeProbe: Probe = {
  name: 'onnxruntime',
  async look() {
    const { listSupportedBackends } = await import('onnxruntime-node')
    const backends = listSupportedBackends().map(({ name, bundled }) => ({ name, bundled }))
    const names = backends.map(({ name, bundled }) => (bundled ? name : `${name} (needs its own libraries)`))
    const served = backends.some(({ name }) => name === 'cpu')
    return {
      finding: served ? 'ok' : 'problem',
      text: served ? `runs on ${names.join(', ')}` : `has no cpu backend, only ${names.join(', ') || 'none'}`,
      advice: served ? undefined : 'run `npm ci` again',
      details: { backends },
    }
  },
}
