import type { Logger } from '../../base/logger.js'
import { statusErrors } from '../../base/status.js'
import type { LogStream } from '../../runtime/runtime.js'
import type { ConnectHandlers, ConnectRequest } from '../connect.js'
import type { PodStreams } from './backend.js'
import { attachOptions, execOptions, logOptions } from './options.js'
import {
  portForwardOverChannels,
  portForwardOverSpdy,
  portForwardOverTunnel,
  portsOf
} from './port-forward.js'
import { remoteCommandOverSpdy, remoteCommandOverWebSocket } from './remote-command.js'
import { chooseSpdyProtocol, refuseUpgrade } from './upgrade.js'
import {
  acceptWebSocket,
  chooseProtocol,
  logProtocols,
  offeredProtocols,
  portForwardProtocols,
  remoteCommandProtocols,
  spdyTunnelProtocol
} from './websocket.js'
import type { ChannelProtocol } from './websocket.js'

const noCommonProtocol = () =>
  statusErrors.badRequest('unable to upgrade: none of the offered stream protocols is supported')

function common(
  connect: ConnectRequest,
  known: readonly ChannelProtocol[],
  fallback: string
): ChannelProtocol {
  const oldest = known.find((p) => p.name === fallback)
  const chosen = oldest && chooseProtocol(connect.request, known, oldest)
  if (!chosen) throw noCommonProtocol()
  return chosen
}

/** What is left to do once a request was found good: answer the upgrade and carry the streams to their end. */
type Accept = () => Promise<void>

async function logOverWebSocket(
  connect: ConnectRequest,
  protocol: ChannelProtocol,
  log: LogStream
): Promise<void> {
  const named = offeredProtocols(connect.request).length > 0 ? protocol.name : undefined
  const ws = await acceptWebSocket(connect.request, connect.socket, connect.head, named)
  ws.on('close', () => {
    log.close()
  })
  for await (const chunk of log.output as AsyncIterable<Buffer>) {
    await new Promise<void>((resolve) => {
      ws.send(protocol.base64 ? chunk.toString('base64') : chunk, () => {
        resolve()
      })
    })
  }
  ws.close(1000)
}

/** Exec, attach, port-forward and logs of pods, over SPDY/3.1 and every WebSocket sub-protocol of Kubernetes. */
export function createStreamHandlers(options: { streams: PodStreams; logger: Logger }): ConnectHandlers {
  const { streams, logger } = options

  async function remoteCommand(connect: ConnectRequest, overWebSocket: boolean): Promise<Accept> {
    const command = connect.subresource === 'exec' ? execOptions(connect.query) : undefined
    const wanted = command ?? attachOptions(connect.query)
    const start = async () => {
      const session = await (command
        ? streams.exec(connect.pod, command)
        : streams.attach(connect.pod, wanted))
      // It may fail before anyone waits for it.
      session.exitCode.catch(() => {})
      return session
    }
    if (overWebSocket) {
      const protocol = common(connect, remoteCommandProtocols, 'channel.k8s.io')
      const session = await start()
      return () => remoteCommandOverWebSocket(connect, protocol, wanted, session)
    }
    const name = chooseSpdyProtocol(connect.request, 'command')
    if (!name) throw noCommonProtocol()
    const session = await start()
    return () => remoteCommandOverSpdy(connect, name, wanted, session)
  }

  function portForward(connect: ConnectRequest, overWebSocket: boolean): Accept {
    const dial = (port: number) => streams.portForward(connect.pod, port)
    if (!overWebSocket) {
      const name = chooseSpdyProtocol(connect.request, 'portforward')
      if (!name) throw noCommonProtocol()
      return async () => {
        portForwardOverSpdy(connect, name, dial)
      }
    }
    if (offeredProtocols(connect.request).includes(spdyTunnelProtocol))
      return () => portForwardOverTunnel(connect, dial)
    const protocol = common(connect, portForwardProtocols, 'v4.channel.k8s.io')
    const ports = portsOf(connect.query)
    return () => portForwardOverChannels(connect, protocol, ports, dial)
  }

  async function prepare(connect: ConnectRequest): Promise<Accept> {
    const upgrade = (connect.request.headers.upgrade ?? '').toLowerCase()
    const overWebSocket = upgrade === 'websocket'
    if (!overWebSocket && upgrade !== 'spdy/3.1') {
      throw statusErrors.badRequest(`unable to upgrade: "${upgrade}" is neither websocket nor SPDY/3.1`)
    }
    switch (connect.subresource) {
      case 'exec':
      case 'attach':
        return remoteCommand(connect, overWebSocket)
      case 'portforward':
        return portForward(connect, overWebSocket)
      case 'log': {
        if (!overWebSocket) throw statusErrors.badRequest('logs are streamed over plain HTTP or a WebSocket')
        const protocol = common(connect, logProtocols, 'binary.k8s.io')
        const log = await streams.logs(connect.pod, logOptions(connect.query))
        return () => logOverWebSocket(connect, protocol, log)
      }
    }
  }

  async function serve(connect: ConnectRequest): Promise<void> {
    let accept: Accept
    try {
      accept = await prepare(connect)
    } catch (error) {
      refuseUpgrade(connect.socket, error)
      return
    }
    try {
      await accept()
    } catch (error) {
      connect.socket.destroy()
      logger.debug('a stream broke off', {
        subresource: connect.subresource,
        pod: connect.pod.metadata.name,
        error
      })
    }
  }

  return {
    log: async (pod, query) => streams.logs(pod, logOptions(query)),
    upgrade: (connect) => {
      // A client may vanish at any time: that is no error of ours.
      connect.socket.on('error', () => {})
      void serve(connect)
    }
  }
}
