import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, rm, stat, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getuid } from 'node:process'

/** A file system of so many megabytes, to be filled to the brim. */
export interface SmallDisk {
  readonly directory: string
  /** Fills it but for so many bytes (whole pages of 4 KiB). */
  fill(leaving: number): Promise<void>
  /** Gives back what was filled. */
  free(): Promise<void>
  close(): Promise<void>
}

/** Why no file system can be made here. */
export const NO_DISK = getuid?.() === 0 && process.platform === 'linux' ? undefined : 'a small disk needs root on Linux'

/** Unmounts when its parent says so, or ends: then its standard input is over. A signal to the whole group ends it not. */
const HOLD =
  'trap "" TERM INT HUP; mount -t tmpfs -o size="$2" tmpfs "$1" && echo mounted && read -r _; umount -l "$1" && rmdir "$1"'

export async function openSmallDisk(megabytes: number): Promise<SmallDisk> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-disk-'))
  const holder = spawn('sh', ['-c', HOLD, 'hold', directory, `${megabytes}m`], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(holder, 'close')
  await Promise.race([once(holder.stdout, 'data'), ended.then(() => Promise.reject(new Error('cannot mount a disk')))])
  const filler = join(directory, 'filler')

  return {
    directory,
    async fill(leaving) {
      await rm(filler, { force: true })
      const { bavail, bsize } = await statfs(directory)
      const file = await open(filler, 'w')
      try {
        await file.writeFile(Buffer.alloc(Math.max(0, bavail * bsize - leaving)))
      } catch (error) {
        // Others write as well: then it is full already.
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      } finally {
        await file.close()
      }
    },
    free: () => rm(filler, { force: true }),
    async close() {
      holder.stdin.end()
      await ended
      // A disk that is still mounted would be the next test's.
      if (await stat(directory).catch(() => undefined)) execFileSync('umount', ['-l', directory])
    },
  }
}
