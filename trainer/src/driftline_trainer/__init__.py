"""Trains generators of detector responses: job.json in, model.onnx and result.json out (docs/training.md)."""

PROTOCOL = "driftline-trainer/1"
