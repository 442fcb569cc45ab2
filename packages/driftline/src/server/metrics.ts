// Counters and durations of requests, and jobs by state, in Prometheus's text format (version 0.0.4).

import type { Driftline } from "@driftline/client/api";
import { jobStates } from "@driftline/client/api";
import type { FastifyInstance } from "fastify";

/** Upper limits of the buckets of durations, seconds. */
const limits = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10];

interface RouteCounts {
  byStatus: Map<number, number>;
  buckets: number[];
  seconds: number;
  count: number;
}

export interface Metrics {
  /** Streams of events that are open now. */
  eventStreams: number;
  text(driftline: Driftline): Promise<string>;
}

/** Counts every answer of the app by route, method and status. */
export function countRequests(app: FastifyInstance): Metrics {
  const routes = new Map<string, RouteCounts>();
  app.addHook("onResponse", async (request, reply) => {
    // The pattern, not the path: the number of series stays bounded.
    const labels = `route="${request.routeOptions.url ?? "unknown"}",method="${request.method}"`;
    let counts = routes.get(labels);
    if (counts === undefined) {
      counts = { byStatus: new Map(), buckets: limits.map(() => 0), seconds: 0, count: 0 };
      routes.set(labels, counts);
    }
    const seconds = reply.elapsedTime / 1000;
    counts.byStatus.set(reply.statusCode, (counts.byStatus.get(reply.statusCode) ?? 0) + 1);
    for (const [i, limit] of limits.entries()) if (seconds <= limit) counts.buckets[i]++;
    counts.seconds += seconds;
    counts.count++;
  });

  return {
    eventStreams: 0,
    async text(driftline) {
      const jobs = await driftline.jobs();
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
        jobStates.map((state) => {
          const number = jobs.filter((job) => job.state === state).length;
          return `driftline_jobs{state="${state}"} ${number}`;
        }),
      );
      metric("driftline_event_streams", "gauge", "Open streams of job events.", [
        `driftline_event_streams ${this.eventStreams}`,
      ]);
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
