import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import type { Probe } from './check.ts'

/** The Node that runs this: it has brought TypeScript this far, so it will do. */
export const nodeProbe: Probe = {
  name: 'node',
  async look() {
    const binary = realpathSync(process.execPath)
    const bundled = binary.includes(join('node_modules', 'node'))
    return {
      finding: 'ok',
      text: `${process.version}, ${bundled ? 'the one that npm brought along' : "the machine's own"} (${binary})`,
      details: { version: process.version, binary, bundled, platform: `${process.platform}-${process.arch}` },
    }
  },
}
