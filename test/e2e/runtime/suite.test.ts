import { runtimeSuite } from '../../runtime/suite.js'
import { openDocker } from './docker-host.js'

runtimeSuite('docker', () => openDocker('suite'))
runtimeSuite('docker with a warm pool', () => openDocker('suite-pool', { poolSize: 2 }))
runtimeSuite("docker on the engine's own networks", () =>
  openDocker('suite-net', { sandbox: 'docker-network' })
)
