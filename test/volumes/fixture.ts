import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ConfigMap, Pod, Secret, Volume } from '../../src/api/types.js'
import { findVolumePlugin } from '../../src/volumes/registry.js'
import type { MountedVolume, VolumeContext } from '../../src/volumes/volume.js'

interface Teardown {
  teardown: (fn: () => unknown) => unknown
}

/** A volume directory, API objects that it may read, and what the engine was asked for. */
export function volumeFixture(t: Teardown) {
  const root = mkdtempSync(join(tmpdir(), 'mk-volumes-'))
  t.teardown(() => {
    rmSync(root, { recursive: true, force: true })
  })
  const configMaps = new Map<string, ConfigMap>()
  const secrets = new Map<string, Secret>()
  const engine: string[] = []
  const pod: Pod = {
    metadata: {
      name: 'web',
      namespace: 'default',
      uid: 'u1',
      resourceVersion: '1',
      labels: { b: '2', a: 'x"y' }
    },
    spec: { containers: [{ name: 'app', resources: { limits: { memory: '64Mi' } } }] }
  }
  const context: VolumeContext = {
    pod,
    directory: join(root, 'volume'),
    ownership: { canChown: process.getuid?.() === 0 },
    sources: {
      configMap: async (_namespace, name) => configMaps.get(name),
      secret: async (_namespace, name) => secrets.get(name),
      serviceAccountToken: async (_pod, { audience = 'api' }) => ({
        token: `token-${audience}`,
        refreshAt: new Date(5)
      })
    },
    engineVolumes: {
      createTmpfs: async ({ name, sizeBytes }) => {
        engine.push(`create ${name} ${String(sizeBytes ?? 'unlimited')}`)
      },
      remove: async (name) => {
        engine.push(`remove ${name}`)
      },
      removeDirectory: async () => {}
    },
    facts: { podIps: [], hostIps: ['10.0.0.1'], allocatable: { cpu: '4' } },
    now: new Date('2026-01-01T00:00:00Z')
  }
  const mount = async (
    volume: Omit<Volume, 'name'>,
    changes: Partial<VolumeContext> = {}
  ): Promise<MountedVolume> => {
    const full = { name: 'v', ...volume }
    const plugin = findVolumePlugin(full)
    if (!plugin) throw new Error('no plugin')
    return plugin.mount(full, { ...context, ...changes })
  }
  const meta = (name: string) => ({ name, namespace: 'default', uid: name, resourceVersion: '1' })
  return {
    root,
    context,
    directory: context.directory,
    engine,
    mount,
    setConfigMap: (name: string, data: Record<string, string>, binaryData: Record<string, string> = {}) =>
      configMaps.set(name, { metadata: meta(name), data, binaryData }),
    setSecret: (name: string, data: Record<string, string>) =>
      secrets.set(name, {
        metadata: meta(name),
        data: Object.fromEntries(
          Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')])
        )
      })
  }
}
