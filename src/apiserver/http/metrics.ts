/** Counts of requests, for `/metrics` in Prometheus' text format, under upstream's names. */
export class RequestMetrics {
  readonly #requests = new Map<string, number>()
  #inflight = 0

  get inflight(): number {
    return this.#inflight
  }

  begin(): void {
    this.#inflight++
  }

  end(labels: { verb: string; resource: string; code: number }): void {
    this.#inflight--
    const key = `code="${String(labels.code)}",resource="${labels.resource}",verb="${labels.verb}"`
    this.#requests.set(key, (this.#requests.get(key) ?? 0) + 1)
  }

  text(revision: number): string {
    const lines = [
      '# HELP apiserver_request_total Counter of apiserver requests broken out for each verb, resource and HTTP response code.',
      '# TYPE apiserver_request_total counter',
      ...[...this.#requests].map(([labels, count]) => `apiserver_request_total{${labels}} ${String(count)}`),
      '# HELP apiserver_current_inflight_requests Number of requests that are being served now.',
      '# TYPE apiserver_current_inflight_requests gauge',
      `apiserver_current_inflight_requests ${String(this.#inflight)}`,
      '# HELP apiserver_storage_revision Newest revision of the store.',
      '# TYPE apiserver_storage_revision gauge',
      `apiserver_storage_revision ${String(revision)}`,
      '# HELP process_resident_memory_bytes Resident memory size in bytes.',
      '# TYPE process_resident_memory_bytes gauge',
      `process_resident_memory_bytes ${String(process.memoryUsage.rss())}`
    ]
    return `${lines.join('\n')}\n`
  }
}
