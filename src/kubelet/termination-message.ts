import { chmod, mkdir, open, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { ContainerState, Runtime } from '../runtime/runtime.js'
import { containerAnnotations } from './pod-view.js'

const maxMessageBytes = 4096
const maxLogBytes = 2048
const maxLogLines = 80

/** Makes the file that is mounted at terminationMessagePath; any user in the container may write it. */
export async function makeTerminationFile(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, '')
  await chmod(path, 0o666)
}

/**
 * What an ended container left to say: its termination file, or the end of its log when it failed without a word and
 * asked for that (FallbackToLogsOnError).
 */
export async function readTerminationMessage(
  container: ContainerState,
  runtime: Pick<Runtime, 'logs'>
): Promise<string> {
  const { annotations, exitCode } = container
  const path = annotations[containerAnnotations.terminationMessagePath]
  const message = path === undefined ? '' : await head(path)
  if (message !== '') return message
  const usesLog = annotations[containerAnnotations.terminationMessagePolicy] === 'FallbackToLogsOnError'
  return usesLog && exitCode !== 0 ? logTail(container.id, runtime) : ''
}

async function head(path: string): Promise<string> {
  try {
    const file = await open(path)
    try {
      const buffer = Buffer.alloc(maxMessageBytes)
      const { bytesRead } = await file.read(buffer, 0, maxMessageBytes, 0)
      return buffer.subarray(0, bytesRead).toString()
    } finally {
      await file.close()
    }
  } catch {
    return ''
  }
}

async function logTail(id: string, runtime: Pick<Runtime, 'logs'>): Promise<string> {
  try {
    const { output } = await runtime.logs(id, { follow: false, timestamps: false, tailLines: maxLogLines })
    const chunks: Buffer[] = []
    for await (const chunk of output) chunks.push(chunk as Buffer)
    return Buffer.concat(chunks).subarray(-maxLogBytes).toString()
  } catch {
    return ''
  }
}
