import { open } from 'node:fs/promises'

/** Enough for some hundred lines of a log. */
const tailBytes = 64 * 1024

/** The last lines of a file; nothing when it is not there. */
export async function lastLines(path: string, count: number): Promise<string> {
  const file = await open(path).catch(() => undefined)
  if (!file) return ''
  try {
    const { size } = await file.stat()
    const start = Math.max(0, size - tailBytes)
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(tailBytes), position: start })
    const lines = buffer.subarray(0, bytesRead).toString('utf8').split('\n')
    // The first line may be cut.
    return lines
      .slice(start > 0 ? 1 : 0)
      .slice(-count - 1)
      .join('\n')
  } finally {
    await file.close()
  }
}
