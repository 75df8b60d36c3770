import t from 'tap'
import { parseSandboxName, sandboxName } from '../../../src/runtime/docker/labels.js'

void t.test("a sandbox's name says whose it is", (t) => {
  const pod = { podNamespace: 'kube-system', podName: 'web-0.a', podUid: '1-2-3', node: 'node-1' }
  t.strictSame(parseSandboxName(`/${sandboxName('default', pod)}`), pod)
  t.equal(parseSandboxName('/mk_default_warm_abc'), undefined)
  t.equal(parseSandboxName('/mk_default_pod_a_b_c'), undefined)
  t.equal(parseSandboxName('/other'), undefined)
  t.end()
})
