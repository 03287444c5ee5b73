#!/usr/bin/env node
// Plain JavaScript for any Node: the program itself is TypeScript, which only newer ones run. Where this one does
// not, the Node that npm brought along (the optional package `node`) takes over.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const program = fileURLToPath(new URL('./millrace.ts', import.meta.url))
const require = createRequire(import.meta.url)

/** The Node of the optional package, or undefined where it was not installed. */
function bundledNode() {
  try {
    const home = dirname(require.resolve('node/package.json'))
    return [join(home, 'bin', 'node'), join(home, 'bin', 'node.exe')].find(existsSync)
  } catch {
    return undefined
  }
}

/**
 * How V8 is to keep the heap of what runs for weeks. Left to itself it lets the heap of a process with small jobs grow for
 * hours, for speed that these do not need, and does not give back what it once had: `millrace up` was 425 MB in six weeks
 * of rounds, and is 240 with these. Flags that were given to this Node by hand come after ours, and win.
 */
function heapFlags() {
  const command = process.argv.slice(2).find((word) => !word.startsWith('-'))
  return ['up', 'worker'].includes(command) ? require('../jobs/node-flags.json')[command] : []
}

/** Ends as another Node ends that runs the program in our place. */
function goOnAs(node, flags) {
  const words = [...flags, program, ...process.argv.slice(2)]
  // Where the system has it, this very process becomes the other: nothing stays in between that signals must get through.
  if (process.execve && process.platform !== 'win32') process.execve(node, [node, ...words], process.env)
  const child = spawn(node, words, { stdio: 'inherit' })
  // A terminal sends Ctrl-C to both, a service manager its signal to this one only.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  child.on('error', (error) => {
    process.stderr.write(`error: ${node} cannot be started: ${error.message}\n`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

const flags = heapFlags()
if (!process.features.typescript) {
  const node = bundledNode()
  if (node === undefined) {
    process.stderr.write(
      `error: millrace needs Node 22.18 or newer, this is ${process.version}, and no newer one was installed with it: ` +
        'run `npm ci` without --omit=optional, or install Node 24\n',
    )
    process.exit(1)
  }
  goOnAs(node, flags)
} else if (flags.length > 0) {
  goOnAs(process.execPath, [...flags, ...process.execArgv])
} else {
  process.argv[1] = program
  await import(pathToFileURL(program).href)
}
