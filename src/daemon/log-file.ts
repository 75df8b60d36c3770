import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs'

/**
 * Appends lines to the daemon's log; at `maxBytes` the file becomes `<path>.1` and a new one is begun, so that the log
 * never fills the disk. Lines are written at once: the last one before a crash is there.
 */
export function openLogFile(path: string, maxBytes = 10 * 1024 * 1024): { write: (line: string) => void } {
  let file = openSync(path, 'a', 0o600)
  let size = fstatSync(file).size
  const rotate = () => {
    closeSync(file)
    renameSync(path, `${path}.1`)
    file = openSync(path, 'a', 0o600)
    size = 0
  }
  return {
    write: (line) => {
      try {
        if (size > maxBytes) rotate()
        size += writeSync(file, line)
      } catch {
        // A full disk must not stop the daemon: the line is lost.
      }
    }
  }
}
