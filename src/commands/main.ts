import { messageOf } from '../base/errors.js'
import { processIo } from '../cli/io.js'
import { runCli } from '../cli/run.js'
import { commands } from './registry.js'

// The program. SIGINT and SIGTERM end what follows or waits; what does not listen ends shortly after.
const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (interrupted.signal.aborted) process.exit(130)
    interrupted.abort()
    setTimeout(() => process.exit(130), 2000).unref()
  })
}
// The reader of our output may go away at any time (`mk get pods | head`).
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

// Output to a pipe is asynchronous: the process ends when it is written, not before.
function exit(code: number): void {
  process.stdout.write('', () => process.stderr.write('', () => process.exit(code)))
}

runCli(process.argv.slice(2), processIo(interrupted.signal), commands).then(exit, (error: unknown) => {
  console.error(`error: ${messageOf(error)}`)
  exit(1)
})
