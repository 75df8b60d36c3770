/** The entry of the data plane's thread: nothing but messages in and out (contract.ts). */
import { parentPort } from 'node:worker_threads'
import { systemClock } from '../../base/clock.js'
import { MkError, messageOf } from '../../base/errors.js'
import { createLogger } from '../../base/logger.js'
import type { DataPlaneConfig, MessageFromWorker, MessageToWorker } from './contract.js'
import { LocalDataPlane } from './local-data-plane.js'

const port = parentPort
if (!port) throw new Error('this file is the entry of a worker thread')

const send = (message: MessageFromWorker) => {
  port.postMessage(message)
}
const logger = createLogger({
  level: 'debug',
  write: (line) => {
    send({ type: 'log', line })
  }
})
let plane: LocalDataPlane | undefined

async function start(config: DataPlaneConfig): Promise<void> {
  plane = new LocalDataPlane({
    config,
    clock: systemClock,
    logger,
    onEvent: (event) => {
      send({ type: 'event', event })
    }
  })
  send({ type: 'started', ports: await plane.start() })
}

function fail(error: unknown): void {
  const { code, hint } = error instanceof MkError ? error : { code: undefined, hint: undefined }
  send({ type: 'failed', code, message: messageOf(error), hint })
}

port.on('message', (message: MessageToWorker) => {
  if (message.type === 'start') start(message.config).catch(fail)
  else if (message.type === 'update') plane?.update(message.update)
  else
    void plane?.stop().finally(() => {
      send({ type: 'stopped' })
    })
})
