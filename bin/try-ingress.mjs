#!/usr/bin/env node
// Fetches a host's page through the ingress of this machine, by HTTP and HTTPS, and shows the answer. The host's name
// need not be resolvable. Reads what `mk status -o json` prints.
import http from 'node:http'
import https from 'node:https'
import { json } from 'node:stream/consumers'

const limitMs = 30_000
const host = process.argv[2] ?? 'hello.localhost'
const { ingress } = (await json(process.stdin)).clusters[0]

function fetchOnce (scheme) {
  const options = { host: '127.0.0.1', port: ingress[scheme], headers: { host }, servername: host, rejectUnauthorized: false, timeout: 5000 }
  return new Promise((resolve, reject) => {
    const request = (scheme === 'https' ? https : http).get(options, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk) => { body += chunk }).on('end', () => {
        if (response.statusCode === 200) resolve(body)
        else reject(new Error(`status ${response.statusCode}: ${body.trim()}`))
      })
    })
    request.on('error', reject).on('timeout', () => request.destroy(new Error('no answer in 5 s')))
  })
}

/** The ingress learns of ready pods a moment after the API does. */
async function fetchUntil (scheme) {
  for (const end = Date.now() + limitMs; ;) {
    try {
      return await fetchOnce(scheme)
    } catch (error) {
      if (Date.now() > end) throw error
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }
}

for (const scheme of ['http', 'https']) {
  const port = ingress[scheme]
  const url = `${scheme}://${host}${port === { http: 80, https: 443 }[scheme] ? '' : `:${port}`}/`
  try {
    console.log(`${url}\n${await fetchUntil(scheme)}`)
  } catch (error) {
    console.error(`error: ${url} does not answer: ${error.message}\n  see: bin/mk get pods, bin/mk describe ingress hello, bin/mk status --logs`)
    process.exit(1)
  }
}
console.log(`In a browser, too; with curl: curl --resolve ${host}:${ingress.http}:127.0.0.1 http://${host}:${ingress.http}/`)
