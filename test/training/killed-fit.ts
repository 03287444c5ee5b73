import { pino } from 'pino'
import { fitOnBackends } from '#training/fit-on-backends.ts'
import { stateFile } from '#training/state-file.ts'
import { smallFit } from './parallel/cases.ts'

/**
 * Program of a process that trains and is killed on the way: `node killed-fit.ts <directory> <epoch>` dies in the epoch
 * after the one named, when the state of that one is on disk.
 */
const [directory, epoch] = process.argv.slice(2)
let finished = 0
await fitOnBackends({
  ...smallFit(),
  on: { backend: 'wasm', threads: 1, onBackendFailure: 'stop' },
  file: stateFile(directory, 'killed'),
  logger: pino({ level: 'silent' }),
  onEpoch: (line) => {
    finished = line.epoch
  },
  onBatch: (running) => {
    if (running > Number(epoch) && finished >= Number(epoch)) process.kill(process.pid, 'SIGKILL')
  },
})
