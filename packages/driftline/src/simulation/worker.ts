// A simulation thread: takes blocks of rows from a task's shared counter until none is left or it is told to stop.

import { parentPort } from "node:worker_threads";
import { DONE, NEXT, STOP, type WorkerTask } from "./control.ts";
import { createResponder } from "./simulators.ts";

/** Rows taken at a time: some milliseconds of work. */
const BLOCK = 32;

parentPort!.on("message", (task: WorkerTask) => {
  work(task);
  parentPort!.postMessage("done");
});

function work({ setup, features, events, responses, control }: WorkerTask): void {
  const respond = createResponder(setup);
  const rows = events.length / 2;
  const width = setup.inputs.length;
  const cells = responses.length / rows;
  while (Atomics.load(control, STOP) === 0) {
    const first = Atomics.add(control, NEXT, BLOCK);
    if (first >= rows) break;
    const end = Math.min(first + BLOCK, rows);
    for (let row = first; row < end; row++) {
      respond(events[2 * row], events[2 * row + 1], features, row * width, responses, row * cells);
    }
    Atomics.add(control, DONE, end - first);
  }
}
