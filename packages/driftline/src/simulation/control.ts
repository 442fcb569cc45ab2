// What the threads of a simulation share.

import type { SimulatorSetup } from "./setup.ts";

/** What a worker gets; the buffers are shared. */
export interface WorkerTask {
  setup: SimulatorSetup;
  features: Float32Array;
  events: Uint32Array;
  responses: Float32Array;
  /** Entries NEXT, DONE and STOP. */
  control: Int32Array;
}

/** Next row to take. */
export const NEXT = 0;
/** Rows done. */
export const DONE = 1;
/** 1 tells the threads to stop. */
export const STOP = 2;
