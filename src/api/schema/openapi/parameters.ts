/** A query parameter. */
export interface Parameter {
  name: string
  type: 'string' | 'boolean' | 'integer'
  description: string
}

const text = (name: string, description: string): Parameter => ({ name, type: 'string', description })
const flag = (name: string, description: string): Parameter => ({ name, type: 'boolean', description })
const number = (name: string, description: string): Parameter => ({ name, type: 'integer', description })

/** What every path takes. */
export const commonParameters: readonly Parameter[] = [
  text('pretty', "If 'true', then the output is pretty printed.")
]

const dryRun = text(
  'dryRun',
  'When present, indicates that modifications should not be persisted. An invalid or unrecognized ' +
    'dryRun directive will result in an error response and no further processing of the request. Valid values are: - All: all dry run stages will be processed'
)
const fieldManager = text(
  'fieldManager',
  'fieldManager is a name associated with the actor or entity that is making these changes. ' +
    'The value must be less than or 128 characters long, and only contain printable characters. This field is required for apply requests.'
)
const fieldValidation = text(
  'fieldValidation',
  'fieldValidation instructs the server on how to handle objects in the request ' +
    '(POST/PUT/PATCH) containing unknown or duplicate fields. Valid values are: Ignore, Warn (the default) and Strict.'
)

/** Of create and update. */
export const writeParameters: readonly Parameter[] = [dryRun, fieldManager, fieldValidation]

export const patchParameters: readonly Parameter[] = [
  ...writeParameters,
  flag(
    'force',
    'Force is going to "force" Apply requests. It means user will re-acquire conflicting fields owned by other ' +
      'people. Force flag must be unset for non-apply patch requests.'
  )
]

export const deleteParameters: readonly Parameter[] = [
  dryRun,
  number(
    'gracePeriodSeconds',
    'The duration in seconds before the object should be deleted. Value must be non-negative integer. ' +
      'The value zero indicates delete immediately.'
  ),
  flag(
    'orphanDependents',
    'Deprecated: please use the PropagationPolicy. Should the dependent objects be orphaned.'
  ),
  text(
    'propagationPolicy',
    'Whether and how garbage collection will be performed: Orphan, Background or Foreground.'
  )
]

export const listParameters: readonly Parameter[] = [
  flag('allowWatchBookmarks', 'allowWatchBookmarks requests watch events with type "BOOKMARK".'),
  text('continue', 'The continue option should be set when retrieving more results from the server.'),
  text(
    'fieldSelector',
    'A selector to restrict the list of returned objects by their fields. Defaults to everything.'
  ),
  text(
    'labelSelector',
    'A selector to restrict the list of returned objects by their labels. Defaults to everything.'
  ),
  number('limit', 'limit is a maximum number of responses to return for a list call.'),
  text(
    'resourceVersion',
    'resourceVersion sets a constraint on what resource versions a request may be served from.'
  ),
  text(
    'resourceVersionMatch',
    'resourceVersionMatch determines how resourceVersion is applied to list calls.'
  ),
  flag(
    'sendInitialEvents',
    '`sendInitialEvents=true` may be set together with `watch=true`: the watch stream then begins with ' +
      'synthetic events for the current state, followed by a bookmark.'
  ),
  number('timeoutSeconds', 'Timeout for the list/watch call, whatever the activity.'),
  flag(
    'watch',
    'Watch for changes to the described resources and return them as a stream of add, update, and remove notifications.'
  )
]

const container = text(
  'container',
  'The container for which to stream. Defaults to only container if there is one container in the pod.'
)
const standardStreams = ['stdin', 'stdout', 'stderr', 'tty'].map((name) =>
  flag(name, `Whether to redirect ${name} of the container.`)
)

const connects: Readonly<Record<string, readonly Parameter[]>> = {
  attach: [container, ...standardStreams],
  exec: [
    text('command', 'Command is the remote command to execute. argv array. Not executed within a shell.'),
    container,
    ...standardStreams
  ],
  portforward: [text('ports', 'List of ports to forward. Required when using WebSockets.')],
  log: [
    container,
    flag('follow', 'Follow the log stream of the pod. Defaults to false.'),
    number(
      'limitBytes',
      'If set, the number of bytes to read from the server before terminating the log output.'
    ),
    flag('previous', 'Return previous terminated container logs. Defaults to false.'),
    number('sinceSeconds', 'A relative time in seconds before the current time from which to show logs.'),
    number('tailLines', 'If set, the number of lines from the end of the logs to show.'),
    flag(
      'timestamps',
      'If true, add an RFC3339 timestamp at the beginning of every line of log output. Defaults to false.'
    )
  ]
}

/** Of the subresources that are connections. */
export const connectParameters = (subresource: string): readonly Parameter[] => connects[subresource] ?? []
