import { create } from 'webgpu'

/**
 * Program of a process of its own: prints what graphics adapter this machine has, as JSON, and ends. The native
 * library writes to stderr or dies where drivers are missing or broken; there, that does no harm.
 */
const adapter = await create([]).requestAdapter()
if (adapter) {
  const { vendor, architecture, description, device, isFallbackAdapter } = adapter.info
  process.stdout.write(JSON.stringify({ vendor, architecture, description, device, isFallbackAdapter }))
}
// The native instance keeps the event loop alive.
process.exit(0)
