#!/usr/bin/env node
// Plain JavaScript for any Node: the program itself is TypeScript, which only newer ones run. Where this one does
// not, the Node that npm brought along (the optional package `node`) takes over.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const program = fileURLToPath(new URL('./millrace.ts', import.meta.url))

/** The Node of the optional package, or undefined where it was not installed. */
function bundledNode() {
  try {
    const home = dirname(createRequire(import.meta.url).resolve('node/package.json'))
    return [join(home, 'bin', 'node'), join(home, 'bin', 'node.exe')].find(existsSync)
  } catch {
    return undefined
  }
}

if (process.features.typescript) {
  process.argv[1] = program
  await import(pathToFileURL(program).href)
} else {
  const node = bundledNode()
  if (node === undefined) {
    process.stderr.write(
      `error: millrace needs Node 22.18 or newer, this is ${process.version}, and no newer one was installed with it: ` +
        'run `npm ci` without --omit=optional, or install Node 24\n',
    )
    process.exit(1)
  }
  const child = spawn(node, [program, ...process.argv.slice(2)], { stdio: 'inherit' })
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
