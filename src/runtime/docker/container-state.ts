import type Docker from 'dockerode'
import type { ContainerState } from '../runtime.js'
import { label, readPodLabels } from './labels.js'

/** The engine writes year 1 for "never". */
function time(text: string | undefined): Date | undefined {
  if (!text || text.startsWith('0001-')) return undefined
  const date = new Date(text)
  return Number.isNaN(date.getTime()) ? undefined : date
}

function readAnnotations(text: string | undefined): Record<string, string> {
  try {
    return JSON.parse(text ?? '{}') as Record<string, string>
  } catch {
    return {}
  }
}

function containerKind(text: string | undefined): ContainerState['kind'] {
  return text === 'init' || text === 'ephemeral' ? text : 'app'
}

/** What the engine says of a container, in the contract's terms. Pure. */
export function containerState(answer: Docker.ContainerInspectInfo): ContainerState {
  const labels = answer.Config.Labels
  const { State: state } = answer
  const createdAt = time(answer.Created) ?? new Date(0)
  const startedAt = time(state.StartedAt)
  const ended = time(state.FinishedAt) ?? createdAt
  // The engine notes the start when it returns from it: a command may be over by then.
  const finishedAt = startedAt && startedAt > ended ? startedAt : ended
  // A container whose start failed stays "created" for the engine; for Kubernetes it has ended (ContainerCannotRun).
  const failedStart = state.Status === 'created' && (state.ExitCode !== 0 || state.Error !== '')
  const status =
    state.Running || state.Restarting
      ? 'running'
      : state.Status === 'created' && !failedStart
        ? 'created'
        : 'exited'
  return {
    id: answer.Id,
    ...readPodLabels(labels),
    sandboxId: labels[label.sandbox] ?? '',
    containerName: labels[label.containerName] ?? '',
    kind: containerKind(labels[label.containerKind]),
    attempt: Number(labels[label.attempt] ?? 0),
    specHash: labels[label.specHash] ?? '',
    annotations: readAnnotations(labels[label.annotations]),
    state: status,
    image: answer.Config.Image,
    imageId: answer.Image,
    createdAt,
    ...(startedAt ? { startedAt } : {}),
    ...(status === 'exited'
      ? {
          finishedAt,
          exitCode: state.ExitCode,
          oomKilled: state.OOMKilled
        }
      : {}),
    ...(state.Error ? { error: state.Error } : {})
  }
}
