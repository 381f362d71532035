"""Keras: SimpleRNN and Dense, `train_on_batch` of a compiled model, Adam. KERAS_BACKEND says on what."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")
from protocol import BETA1, BETA2, EPS, LR, serve

import keras
import numpy as np


def make(weights, T, B, threads):
    dtype = str(weights["W_rec"].dtype)
    keras.backend.clear_session()
    if keras.backend.backend() == "jax":
        import jax
        jax.config.update("jax_enable_x64", dtype == "float64")
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)
    N, I = weights["W_in"].shape
    O = len(weights["W_out"])
    model = keras.Sequential([
        keras.Input((T, I), batch_size=B),
        keras.layers.SimpleRNN(N, use_bias=False, return_sequences=True, unroll=False),
        keras.layers.Dense(O),
    ])
    model.set_weights([weights["W_in"].T, weights["W_rec"].T, weights["W_out"].T, weights["b_out"]])
    eps = EPS * np.sqrt(1 - BETA2)
    model.compile(keras.optimizers.Adam(LR, BETA1, BETA2, eps), "mse", jit_compile=os.environ.get("JIT", "auto") if os.environ.get("JIT") != "True" else True)

    def put(x, target):
        return np.ascontiguousarray(x.transpose(1, 0, 2), dtype), np.ascontiguousarray(target.transpose(1, 0, 2), dtype)

    def update(x, target):
        return float(model.train_on_batch(x, target))

    return put, update


if __name__ == "__main__":
    serve(make)
