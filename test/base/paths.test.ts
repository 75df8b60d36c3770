import t from 'tap'
import { resolvePaths } from '../../src/base/paths.js'

t.test('defaults lie under HOME', async (t) => {
  t.match(resolvePaths({ HOME: '/home/ann' }), {
    state: '/home/ann/.local/state/mk',
    data: '/home/ann/.local/share/mk',
    config: '/home/ann/.config/mk',
    cache: '/home/ann/.cache/mk',
    runtime: '/home/ann/.local/state/mk/run',
    kubeconfig: '/home/ann/.config/mk/kubeconfig',
    socket: '/home/ann/.local/state/mk/run/daemon.sock',
    log: '/home/ann/.local/state/mk/daemon.log'
  })
})

t.test('XDG variables win, unless they are empty or relative', async (t) => {
  const paths = resolvePaths({
    HOME: '/home/ann',
    XDG_STATE_HOME: '/s',
    XDG_DATA_HOME: '',
    XDG_CONFIG_HOME: 'relative',
    XDG_RUNTIME_DIR: '/run/user/1000'
  })
  t.equal(paths.state, '/s/mk')
  t.equal(paths.data, '/home/ann/.local/share/mk')
  t.equal(paths.config, '/home/ann/.config/mk')
  t.equal(paths.socket, '/run/user/1000/mk/daemon.sock')
})
