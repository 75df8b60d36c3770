import { createInterface } from 'node:readline/promises'
import { MkError } from '../base/errors.js'
import { clusterName } from './cluster-summary.js'
import { createDaemonClient } from './daemon-client.js'
import { startDaemon } from './daemon-process.js'
import type { Io } from './io.js'
import { stopDaemon } from './stop-daemon.js'

/** `mk delete cluster`: all objects, pods, volumes and the state, after the user agreed. */
export async function deleteCluster(options: {
  io: Io
  /** A cluster's name, if the user gave one. */
  words: readonly string[]
  confirmed: boolean
}): Promise<number> {
  const { io, words, confirmed } = options
  const unknown = words.find((word) => word !== clusterName)
  if (unknown !== undefined) {
    throw new MkError('MK_CLUSTER_UNKNOWN', `there is no cluster "${unknown}": it is called "${clusterName}"`)
  }
  if (!confirmed && !(await agrees(io))) {
    io.stderr.write('nothing was deleted\n')
    return 1
  }
  // The daemon knows what of the engine belongs to the cluster: it is started when it doesn't run.
  const running = createDaemonClient(io.paths.socket)
  const daemon = (await running.status()) ? running : await startDaemon(io)
  const { pid } = await daemon.post(`/clusters/${clusterName}/delete`)
  await stopDaemon(daemon, pid)
  io.stdout.write(`cluster "${clusterName}" deleted\n`)
  return 0
}

async function agrees(io: Io): Promise<boolean> {
  if (!io.stdin.isTTY) {
    throw new MkError('MK_INPUT', 'deleting the cluster with all its state must be confirmed', {
      hint: 'add --yes'
    })
  }
  const reader = createInterface({ input: io.stdin, output: io.stderr })
  try {
    const answer = await reader.question('Delete the cluster with all its objects and volumes? [y/N] ', {
      signal: io.signal
    })
    return /^y(es)?$/i.test(answer.trim())
  } finally {
    reader.close()
  }
}
