import { rm } from 'node:fs/promises'
import { isMkError } from '../../base/errors.js'
import type { RuntimeVolumes } from '../runtime.js'
import type { Agent } from './agent.js'
import type { Engine } from './engine.js'
import { label } from './labels.js'

export class DockerVolumes implements RuntimeVolumes {
  readonly #parts: () => { engine: Engine; agent: Agent }
  readonly #cluster: string

  constructor(cluster: string, parts: () => { engine: Engine; agent: Agent }) {
    this.#cluster = cluster
    this.#parts = parts
  }

  async createTmpfs(volume: { name: string; podUid: string; sizeBytes?: number }): Promise<void> {
    const { engine } = this.#parts()
    const size = volume.sizeBytes === undefined ? [] : [`size=${String(volume.sizeBytes)}`]
    await engine.call(`create the volume ${volume.name}`, () =>
      engine.docker.createVolume({
        Name: volume.name,
        Driver: 'local',
        DriverOpts: { type: 'tmpfs', device: 'tmpfs', o: ['mode=0777', ...size].join(',') },
        Labels: { [label.cluster]: this.#cluster, [label.kind]: 'volume', [label.podUid]: volume.podUid }
      })
    )
  }

  async remove(name: string): Promise<void> {
    const { engine } = this.#parts()
    await engine
      .call(`remove the volume ${name}`, () => engine.docker.getVolume(name).remove() as Promise<unknown>, {
        notFound: 'MK_CONTAINER_NOT_FOUND'
      })
      .catch((error: unknown) => {
        if (!isMkError(error, 'MK_CONTAINER_NOT_FOUND')) throw error
      })
  }

  async removeDirectory(hostPath: string): Promise<void> {
    const { engine, agent } = this.#parts()
    if (engine.local) {
      try {
        await rm(hostPath, { recursive: true, force: true })
        return
      } catch (error) {
        const { code } = error as { code?: string }
        if (code !== 'EACCES' && code !== 'EPERM') throw error
      }
    }
    await agent.removeTree(hostPath)
  }
}

/** Removes every volume of the cluster. */
export async function removeVolumes(engine: Engine, cluster: string): Promise<void> {
  const filters = { label: [`${label.cluster}=${cluster}`] }
  const answer = await engine.call('list the volumes', () =>
    engine.docker.listVolumes({ filters: JSON.stringify(filters) as never })
  )
  for (const volume of (answer.Volumes as { Name: string }[] | null) ?? []) {
    await engine
      .call(
        `remove the volume ${volume.Name}`,
        () => engine.docker.getVolume(volume.Name).remove({ force: true }) as Promise<unknown>,
        { notFound: 'MK_CONTAINER_NOT_FOUND' }
      )
      .catch((error: unknown) => {
        if (!isMkError(error, 'MK_CONTAINER_NOT_FOUND')) throw error
      })
  }
}
