import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../base/clock.js'
import { createLogger } from '../base/logger.js'
import { resolvePaths } from '../base/paths.js'
import { version } from '../base/version.js'
import { createCluster } from '../cluster/cluster.js'
import { controlErrorOf } from './control-error.js'
import { startControlServer } from './control-server.js'
import { Daemon } from './daemon.js'
import { takeLock } from './lock.js'
import { openLogFile } from './log-file.js'

/** How long a stop may take before the process ends anyway. */
const stopLimitMs = 60_000

/** Beside the bundled program: the build puts them there. */
const assets = {
  agentDirectory: fileURLToPath(new URL('./agent', import.meta.url)),
  schemas: new URL('./generated/', import.meta.url),
  dataPlaneWorker: new URL('./data-plane-worker.js', import.meta.url)
}

async function main(): Promise<void> {
  const paths = resolvePaths(process.env)
  for (const directory of [paths.state, paths.data, paths.config, paths.runtime]) {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
  }
  const logger = createLogger({
    write: openLogFile(paths.log).write,
    level: process.env['MK_LOG_LEVEL'] === 'debug' ? 'debug' : 'info'
  })
  const releaseLock = takeLock(`${paths.runtime}/daemon.lock`)

  let stopping = false
  const stop = (why: string) => {
    if (stopping) return
    stopping = true
    logger.info('the daemon stops', { why })
    setTimeout(() => process.exit(1), stopLimitMs).unref()
    void daemon
      .close()
      .then(() => control.close())
      .catch((error: unknown) => {
        logger.error('the daemon did not stop cleanly', { error })
      })
      .finally(() => {
        releaseLock()
        process.exit(0)
      })
  }
  // One part's mistake must not take the others down; what it means is in the log.
  process.on('unhandledRejection', (error) => {
    logger.error('a failure that nobody handled', { error })
  })
  process.on('uncaughtException', (error) => {
    logger.error('an exception that nobody caught', { error })
  })

  const daemon = new Daemon({
    version,
    clock: systemClock,
    logger,
    createCluster: (name) =>
      createCluster({ name, paths, assets, clock: systemClock, logger: logger.with({ cluster: name }) }),
    onStop: () => {
      stop('asked to')
    }
  })
  const control = await startControlServer({ socketPath: paths.socket, target: daemon })
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
    process.on(signal, () => {
      stop(signal)
    })
  logger.info('the daemon listens', { socket: paths.socket, pid: process.pid })
}

main().catch((error: unknown) => {
  // mk up reads this line when the process ends before its socket answers.
  process.stderr.write(JSON.stringify({ error: controlErrorOf(error) }) + '\n')
  process.exit(1)
})
