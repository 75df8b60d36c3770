import { closeSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs'
import { MkError } from '../base/errors.js'

interface ProcessFacts {
  /** One letter; Z is a process that has ended and whose parent has not asked for its exit code. */
  state: string
  /** When it began, in clock ticks since boot. */
  start: string
}

/** What Linux tells of a process; undefined where that can't be told. */
function factsOf(pid: number): ProcessFacts | undefined {
  try {
    // The second field is the command in brackets and may hold spaces: count behind the last bracket.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [state = '', ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { state, start: rest[18] ?? '' }
  } catch {
    return undefined
  }
}

function alive(pid: number, start: string | undefined): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  const facts = factsOf(pid)
  if (facts?.state === 'Z') return false
  // A pid is given again after its process died: the same start tells the same process.
  return !start || !facts || facts.start === start
}

/**
 * One daemon per user: takes the lock file or fails with MK_DAEMON_RUNNING. A lock whose holder is dead is taken over.
 * The returned function gives it back.
 */
export function takeLock(path: string): () => void {
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      const file = openSync(path, 'wx', 0o600)
      writeSync(file, `${process.pid} ${factsOf(process.pid)?.start ?? ''}\n`)
      closeSync(file)
      return () => {
        unlinkSync(path)
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const [pid, start] = readHolder(path)
    if (pid !== undefined && alive(pid, start)) {
      throw new MkError('MK_DAEMON_RUNNING', `the mk daemon runs already, as process ${pid}`, {
        hint: 'mk status shows it; mk down stops it'
      })
    }
    try {
      unlinkSync(path)
    } catch {
      // Another starter was faster; the next round sees its lock.
    }
  }
  throw new MkError('MK_DAEMON_START', `the lock ${path} changes hands all the time`, {
    hint: 'is something starting mk in a loop?'
  })
}

function readHolder(path: string): [number | undefined, string | undefined] {
  try {
    const [pid, start] = readFileSync(path, 'utf8').trim().split(' ')
    return [Number(pid) || undefined, start]
  } catch {
    return [undefined, undefined]
  }
}
