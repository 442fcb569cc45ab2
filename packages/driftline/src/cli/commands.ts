// The commands, each loaded when it is used, so that the command starts quickly.

import type { Command } from "./command.ts";

export const commands = {
  demo: async (): Promise<Command> => (await import("./commands/demo.ts")).demo,
  serve: async (): Promise<Command> => (await import("./commands/serve.ts")).serve,
  families: async (): Promise<Command> => (await import("./commands/families.ts")).families,
  resolve: async (): Promise<Command> => (await import("./commands/resolve.ts")).resolve,
  ensure: async (): Promise<Command> => (await import("./commands/ensure.ts")).ensure,
  pull: async (): Promise<Command> => (await import("./commands/pull.ts")).pull,
  push: async (): Promise<Command> => (await import("./commands/push.ts")).push,
  verify: async (): Promise<Command> => (await import("./commands/verify.ts")).verify,
  export: async (): Promise<Command> => (await import("./commands/export.ts")).exportCommand,
  generate: async (): Promise<Command> => (await import("./commands/generate.ts")).generate,
  validate: async (): Promise<Command> => (await import("./commands/validate.ts")).validate,
  models: async (): Promise<Command> => (await import("./commands/models.ts")).models,
  jobs: async (): Promise<Command> => (await import("./commands/jobs.ts")).jobs,
  runs: async (): Promise<Command> => (await import("./commands/runs.ts")).runs,
  lock: async (): Promise<Command> => (await import("./commands/lock.ts")).lock,
  samples: async (): Promise<Command> => (await import("./commands/samples.ts")).samples,
  snapshot: async (): Promise<Command> => (await import("./commands/snapshot.ts")).snapshot,
  "data inspect": async (): Promise<Command> => (await import("./commands/data/inspect.ts")).dataInspect,
  "data head": async (): Promise<Command> => (await import("./commands/data/head.ts")).dataHead,
  "data plot": async (): Promise<Command> => (await import("./commands/data/plot.ts")).dataPlot,
  "data spec": async (): Promise<Command> => (await import("./commands/data/spec.ts")).dataSpec,
  "data convert": async (): Promise<Command> => (await import("./commands/data/convert.ts")).dataConvert,
  "data build": async (): Promise<Command> => (await import("./commands/data/build.ts")).dataBuild,
  "data stream": async (): Promise<Command> => (await import("./commands/data/stream.ts")).dataStream,
  gc: async (): Promise<Command> => (await import("./commands/gc.ts")).gc,
  backup: async (): Promise<Command> => (await import("./commands/backup.ts")).backup,
  restore: async (): Promise<Command> => (await import("./commands/restore.ts")).restore,
  doctor: async (): Promise<Command> => (await import("./commands/doctor.ts")).doctor,
};
