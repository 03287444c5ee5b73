import { describe, expect, it } from 'vitest'
import { FatalError } from '#data/errors.ts'
import { serverFailure } from '#jobs/brokers/postgres-words.ts'

const INITDB = `The files belonging to this database system will be owned by user "postgres".
creating configuration files ... ok
running bootstrap script ... 2026-11-21 00:02:09.084 UTC [11202] FATAL:  could not write to file "pg_wal/xlogtemp.11202": No space left on device
child process exited with exit code 1
initdb: removing data directory "/srv/millrace/data"`

describe('a PostgreSQL that does not run', () => {
  it('for want of space is one line that names the folder and what to do', () => {
    const error = serverFailure('could not be set up', INITDB, '/srv/millrace')
    expect(error).toBeInstanceOf(FatalError)
    expect(error.message).toMatch(/^the embedded PostgreSQL could not be set up: the disk of \/srv\/millrace is full/)
    expect(error.message).not.toContain('\n')
    expect(error.message.length).toBeLessThan(200)
    expect(error.details.words).toBe(INITDB)
    for (const words of ["ENOSPC: no space left on device, mkdir '/x'", 'Disk quota exceeded']) {
      expect(serverFailure('did not start', words, '/x').message).toMatch(/the disk of \/x is full/)
    }
  })

  it('for want of a folder says which, and what to do', () => {
    for (const words of [
      "ENOENT: no such file or directory, mkdir '/ro/var'",
      "ENOTDIR: not a directory, mkdir '/f/b'",
    ]) {
      const { message } = serverFailure('needs a folder', words, '/ro/var/broker')
      expect(message).toContain('nothing can be written to /ro/var/broker')
      expect(message).toContain(words)
      expect(message).toMatch(/choose another folder with --state/)
    }
  })

  it('for another reason gives that reason and no more', () => {
    const words = 'LOG:  starting\nFATAL:  could not create any TCP/IP sockets\nLOG:  database system is shut down'
    expect(serverFailure('did not start', words, '/x').message).toBe(
      'the embedded PostgreSQL did not start: FATAL:  could not create any TCP/IP sockets',
    )
    expect(serverFailure('did not start', 'one line', '/x').message).toMatch(/did not start: one line$/)
    expect(serverFailure('did not start', '', '/x').message).toMatch(/it said nothing$/)
  })
})
