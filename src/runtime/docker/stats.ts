import type { ContainerStats } from '../runtime.js'
import type { Engine } from './engine.js'

interface StatsAnswer {
  read: string
  cpu_stats?: { cpu_usage?: { total_usage?: number } }
  memory_stats?: { usage?: number; stats?: Record<string, number> }
}

/** One reading, without the second that the engine otherwise waits to work out percentages. */
export async function containerStats(engine: Engine, id: string): Promise<ContainerStats> {
  const answer = (await engine.call(
    'read the usage',
    () => engine.docker.getContainer(id).stats({ stream: false, 'one-shot': true }) as Promise<unknown>,
    { notFound: 'MK_CONTAINER_NOT_FOUND' }
  )) as StatsAnswer
  const memory = answer.memory_stats ?? {}
  // Working set as cAdvisor defines it: usage without inactive file pages (cgroup v1: total_inactive_file).
  const inactive = memory.stats?.['total_inactive_file'] ?? memory.stats?.['inactive_file'] ?? 0
  return {
    time: new Date(answer.read),
    cpuUsageNanoseconds: answer.cpu_stats?.cpu_usage?.total_usage ?? 0,
    memoryWorkingSetBytes: Math.max(0, (memory.usage ?? 0) - inactive)
  }
}
