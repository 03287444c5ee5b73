import { describe, expect, test } from 'vitest'
import { UnavailableError } from '#data/errors.ts'
import { BACKEND_NAMES, type BackendName, selectBackend } from '#models/backend.ts'
import { describeBackend, describeYardstick } from './backends-conformance.ts'
import { softwareRenderer } from './software-renderer.ts'

softwareRenderer()

/** Why a backend cannot run here; undefined where it can. */
async function absence(name: BackendName): Promise<Error | undefined> {
  try {
    await selectBackend(name)
  } catch (error) {
    return error as Error
  }
}

describeYardstick()
const absences = new Map<BackendName, Error>()
for (const name of BACKEND_NAMES) {
  const reason = await absence(name)
  if (reason) absences.set(name, reason)
  else describeBackend(name)
}

describe('the backends of this machine', () => {
  // A backend that needs what this machine lacks is not skipped: that it says so is what can be tested of it here.
  for (const [name, reason] of absences) {
    test(`${name} is not among them, and says why: ${reason.message}`, () => {
      expect(reason).toBeInstanceOf(UnavailableError)
      expect(reason.message).toMatch(new RegExp(`^no training backend could be started: ${name} not taken: .{10,}`))
    })
  }

  test('wasm and onnxruntime are among them everywhere, webgpu wherever tests must not be skipped', () => {
    const needed: BackendName[] = ['wasm', 'onnxruntime']
    if (process.env.CI) needed.push('webgpu')
    for (const name of needed) expect(absences.get(name)?.message).toBeUndefined()
  })
})
