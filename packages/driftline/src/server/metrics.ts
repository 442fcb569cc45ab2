// Counters and durations of requests, and jobs by state, in Prometheus's text format (version 0.0.4).

import { type Job, jobStates } from "@driftline/client/api";
import type { FastifyInstance } from "fastify";
import type { ConnectionFigures } from "./connections.ts";

/** Upper limits of the buckets of durations, seconds. */
const limits = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10];

interface RouteCounts {
  byStatus: Map<number, number>;
  buckets: number[];
  seconds: number;
  count: number;
}

export interface Metrics {
  /** Counts an answer that did not pass through the app. */
  count(route: string, method: string, status: number, seconds: number): void;
  text(): Promise<string>;
}

/** Counts every answer of the app by route, method and status; `connections` tells of what is below them. */
export function countRequests(
  app: FastifyInstance,
  connections: () => ConnectionFigures,
  jobCounts: () => Promise<Map<Job["state"], number>>,
): Metrics {
  const routes = new Map<string, RouteCounts>();
  function count(route: string, method: string, status: number, seconds: number): void {
    const labels = `route="${route}",method="${method}"`;
    let counts = routes.get(labels);
    if (counts === undefined) {
      counts = { byStatus: new Map(), buckets: limits.map(() => 0), seconds: 0, count: 0 };
      routes.set(labels, counts);
    }
    counts.byStatus.set(status, (counts.byStatus.get(status) ?? 0) + 1);
    for (let i = limits.length - 1; i >= 0 && seconds <= limits[i]; i--) counts.buckets[i]++;
    counts.seconds += seconds;
    counts.count++;
  }
  app.addHook("onResponse", (request, reply, done) => {
    // The pattern, not the path: the number of series stays bounded.
    count(request.routeOptions.url ?? "unknown", request.method, reply.statusCode, reply.elapsedTime / 1000);
    done();
  });

  return {
    count,
    async text() {
      const jobs = await jobCounts();
      const lines: string[] = [];
      const metric = (name: string, type: string, help: string, samples: string[]) =>
        lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples);
      const all = [...routes];
      metric(
        "driftline_http_requests_total",
        "counter",
        "Requests answered.",
        all.flatMap(([labels, { byStatus }]) =>
          [...byStatus].map(
            ([status, n]) => `driftline_http_requests_total{${labels},status="${status}"} ${n}`,
          ),
        ),
      );
      const duration = "driftline_http_request_duration_seconds";
      metric(
        duration,
        "histogram",
        "Time from the request to the end of its answer.",
        all.flatMap(([labels, { buckets, seconds, count }]) => [
          ...limits.map((limit, i) => `${duration}_bucket{${labels},le="${limit}"} ${buckets[i]}`),
          `${duration}_bucket{${labels},le="+Inf"} ${count}`,
          `${duration}_sum{${labels}} ${seconds}`,
          `${duration}_count{${labels}} ${count}`,
        ]),
      );
      metric(
        "driftline_jobs",
        "gauge",
        "Jobs by state.",
        jobStates.map((state) => `driftline_jobs{state="${state}"} ${jobs.get(state) ?? 0}`),
      );
      const { open, atWork, refused, ended } = connections();
      const samples = (name: string, label: string, values: Record<string, number>) =>
        Object.entries(values).map(([value, n]) => `${name}{${label}="${value}"} ${n}`);
      metric("driftline_http_connections", "gauge", "Open connections.", [
        `driftline_http_connections ${open}`,
      ]);
      metric(
        "driftline_http_at_work",
        "gauge",
        "Requests that are being answered, streams of events and downloads among them.",
        samples("driftline_http_at_work", "kind", atWork),
      );
      metric(
        "driftline_http_refused_total",
        "counter",
        "Requests answered 503 because as many of their kind, or connections, were there as the server takes.",
        samples("driftline_http_refused_total", "kind", refused),
      );
      metric(
        "driftline_http_connections_ended_total",
        "counter",
        "Connections that the server ended, by why.",
        samples("driftline_http_connections_ended_total", "why", ended),
      );
      metric("process_resident_memory_bytes", "gauge", "Resident memory.", [
        `process_resident_memory_bytes ${process.memoryUsage.rss()}`,
      ]);
      const { user, system } = process.cpuUsage();
      metric("process_cpu_seconds_total", "counter", "CPU time, user and system.", [
        `process_cpu_seconds_total ${(user + system) / 1e6}`,
      ]);
      return `${lines.join("\n")}\n`;
    },
  };
}
