// The inputs of a pad row's response: what a time projection chamber's simulator takes and its reconstruction fills in.

export const tpcInputs = [
  "crossing_angle",
  "dip_angle",
  "drift_length",
  "pad_coordinate",
  "pad_row",
  "pt",
] as const;
