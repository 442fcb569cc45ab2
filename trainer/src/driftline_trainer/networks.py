"""The layers that generators are made of, in a form that exports to plain ONNX operators."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray


class Dense(eqx.Module):
    """x W + b."""

    weight: Float[Array, "inputs outputs"]
    bias: Float[Array, " outputs"]

    def __call__(self, x: Float[Array, "n inputs"]) -> Float[Array, "n outputs"]:
        return x @ self.weight + self.bias


def dense(key: PRNGKeyArray, inputs: int, outputs: int, gain: float = 1.0) -> Dense:
    """Glorot-uniform weights (AISTATS 2010, eq. 16) times `gain`, no bias."""
    limit = gain * (6 / (inputs + outputs)) ** 0.5
    weight = jax.random.uniform(key, (inputs, outputs), minval=-limit, maxval=limit)
    return Dense(weight, jnp.zeros(outputs))


class Perceptron(eqx.Module):
    """Dense layers with ELU between them."""

    layers: tuple[Dense, ...]

    def __call__(self, x: Float[Array, "n inputs"]) -> Float[Array, "n outputs"]:
        for layer in self.layers[:-1]:
            # Looked up at each call: jax2onnx knows the function by this name and writes the operator Elu.
            x = jax.nn.elu(layer(x))
        return self.layers[-1](x)


def perceptron(key: PRNGKeyArray, sizes: list[int], last_gain: float = 1.0) -> Perceptron:
    keys = jax.random.split(key, len(sizes) - 1)
    gains = [1.0] * (len(sizes) - 2) + [last_gain]
    return Perceptron(
        tuple(dense(k, i, o, gain) for k, i, o, gain in zip(keys, sizes[:-1], sizes[1:], gains, strict=True))
    )
