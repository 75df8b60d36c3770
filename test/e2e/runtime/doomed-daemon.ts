/** A process that runs a pod in a sandbox from the warm pool, tells which, and goes on until it is killed. */
import { createDockerRuntime } from '../../../src/runtime/docker/docker-runtime.js'
import { containerSpec, sandboxSpec } from '../../runtime/suite.js'
import { image } from './docker-host.js'

setInterval(() => undefined, 1000)
const runtime = createDockerRuntime({ cluster: 'network-kept', stateDir: process.argv[2] ?? '', poolSize: 2 })
await runtime.start()
while (runtime.network.sandboxIds().length < 2) await new Promise((resolve) => setImmediate(resolve))
const sandbox = await runtime.createSandbox(sandboxSpec('kept'))
await runtime.startContainer(
  await runtime.createContainer(containerSpec(sandbox, image, 'while true; do sleep 1; done'))
)
process.stdout.write(`${JSON.stringify(sandbox)}\n`)
