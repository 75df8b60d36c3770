import t from 'tap'
import { endpointOf } from '../../src/cli/session.js'

const base64 = (text: string) => Buffer.from(text).toString('base64')

t.test('reads the endpoint of a kubeconfig, as YAML or JSON', async (t) => {
  const expected = { server: 'https://127.0.0.1:6443', ca: 'CA', cert: 'CERT', key: 'KEY', token: undefined }
  const yaml = `clusters:
- name: mk
  cluster:
    certificate-authority-data: ${base64('CA')}
    server: "https://127.0.0.1:6443"
users:
- name: mk
  user:
    client-certificate-data: ${base64('CERT')}
    client-key-data: ${base64('KEY')}
`
  t.same(endpointOf(yaml, 'file'), expected)
  const json = JSON.stringify(
    {
      clusters: [
        { cluster: { server: 'https://127.0.0.1:6443', 'certificate-authority-data': base64('CA') } }
      ],
      users: [{ user: { 'client-certificate-data': base64('CERT'), 'client-key-data': base64('KEY') } }]
    },
    null,
    2
  )
  t.same(endpointOf(json, 'file'), expected)
  t.throws(() => endpointOf('nothing: here\n', '/x/kubeconfig'), {
    code: 'MK_INPUT',
    message: /\/x\/kubeconfig/
  })
})
