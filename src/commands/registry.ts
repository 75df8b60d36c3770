import type { CommandEntry } from '../cli/command.js'

const cluster = 'The cluster'
const objects = 'Objects'
const pods = 'Pods'

/** All commands, in the order of the overview. */
export const commands: readonly CommandEntry[] = [
  { name: 'up', group: cluster, summary: 'Start the cluster', load: () => import('./up.js') },
  {
    name: 'down',
    group: cluster,
    summary: 'Stop the cluster; its state stays',
    load: () => import('./down.js')
  },
  { name: 'status', group: cluster, summary: 'Show how the cluster is', load: () => import('./status.js') },
  {
    name: 'kubeconfig',
    group: cluster,
    summary: 'Print or merge the kubeconfig for kubectl and other clients',
    load: () => import('./kubeconfig.js')
  },
  { name: 'version', group: cluster, summary: 'Show versions', load: () => import('./version.js') },
  {
    name: 'apply',
    group: objects,
    summary: 'Create or change objects as files say',
    load: () => import('./apply.js')
  },
  { name: 'get', group: objects, summary: 'Show objects', load: () => import('./get.js') },
  {
    name: 'describe',
    group: objects,
    summary: 'Show an object with its events',
    load: () => import('./describe.js')
  },
  {
    name: 'delete',
    group: objects,
    summary: 'Delete objects, or the cluster',
    load: () => import('./delete.js')
  },
  { name: 'scale', group: objects, summary: 'Set the number of replicas', load: () => import('./scale.js') },
  {
    name: 'rollout',
    group: objects,
    summary: 'Follow, undo, restart or pause a rollout',
    load: () => import('./rollout.js')
  },
  {
    name: 'api-resources',
    group: objects,
    summary: 'List the types of objects that the server has',
    load: () => import('./api-resources.js')
  },
  { name: 'logs', group: pods, summary: 'Print the logs of containers', load: () => import('./logs.js') },
  { name: 'exec', group: pods, summary: 'Run a program in a container', load: () => import('./exec.js') },
  {
    name: 'port-forward',
    group: pods,
    summary: 'Make ports of a pod or service local',
    load: () => import('./port-forward.js')
  }
]
