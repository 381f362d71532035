"""JAX: one jit of value_and_grad of a scan, and Adam; parameters and moments are donated. Input projection and readout are
products over all steps, outside the scan."""

from functools import partial

from protocol import BETA1, BETA2, EPS, LR, serve

import jax
import jax.numpy as jnp
from jax import lax


def make(weights, T, B, threads):
    jax.config.update("jax_enable_x64", weights["W_rec"].dtype == "float64")
    theta = {name: jnp.array(array) for name, array in weights.items()}
    dtype = theta["W_rec"].dtype
    m, v = (jax.tree.map(jnp.zeros_like, theta) for _ in range(2))
    state = (theta, m, v, jnp.zeros((), dtype))

    def loss_of(theta, x, target):
        def step(h, u):
            h = jnp.tanh(u + h @ theta["W_rec"].T)
            return h, h

        _, h = lax.scan(step, jnp.zeros((B, len(theta["W_rec"])), dtype), x @ theta["W_in"].T)
        return jnp.mean((h @ theta["W_out"].T + theta["b_out"] - target) ** 2)

    @partial(jax.jit, donate_argnums=0)
    def train_step(state, x, target):
        theta, m, v, t = state
        loss, g = jax.value_and_grad(loss_of)(theta, x, target)
        t = t + 1
        m = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, m, g)
        v = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, v, g)
        theta = jax.tree.map(lambda p, m, v: p - LR / (1 - BETA1**t) * m / (jnp.sqrt(v / (1 - BETA2**t)) + EPS), theta, m, v)
        return (theta, m, v, t), loss

    def put(x, target):
        return jnp.asarray(x, dtype), jnp.asarray(target, dtype)

    def update(x, target):
        nonlocal state
        state, loss = train_step(state, x, target)
        return float(loss)

    return put, update


if __name__ == "__main__":
    serve(make)
