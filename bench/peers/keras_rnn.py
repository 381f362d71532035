"""Keras: SimpleRNN and Dense, one `train_on_batch` of the compiled model a step, Adam.

On its JAX backend, which is quicker here than the one of TensorFlow; float64 needs the latter (KERAS_BACKEND), since on JAX Keras
lowers it to float32. Keras' Adam is the "epsilon hat" form: with eps sqrt(1 - beta2) its first update is that of the others.
"""

import os

from protocol import BETA1, BETA2, EPS, LR, THREADS, serve

os.environ.setdefault("KERAS_BACKEND", "jax")
import keras
import numpy as np

if keras.backend.backend() == "tensorflow":
    import tensorflow

    tensorflow.config.threading.set_intra_op_parallelism_threads(THREADS)
    tensorflow.config.threading.set_inter_op_parallelism_threads(THREADS)


def make(weights, T, B, threads):
    dtype = str(weights["W_rec"].dtype)
    keras.backend.clear_session()
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)
    N, I = weights["W_in"].shape
    O = len(weights["W_out"])
    rnn = keras.layers.SimpleRNN(N, use_bias=False, return_sequences=True)
    model = keras.Sequential([keras.Input((T, I), batch_size=B), rnn, keras.layers.Dense(O)])
    model.set_weights([weights["W_in"].T, weights["W_rec"].T, weights["W_out"].T, weights["b_out"]])
    model.compile(keras.optimizers.Adam(LR, BETA1, BETA2, EPS * np.sqrt(1 - BETA2)), "mse")

    def put(x, target):
        return [np.ascontiguousarray(p.transpose(1, 0, 2), dtype) for p in (x, target)]

    def update(x, target):
        return float(model.train_on_batch(x, target))

    return put, update


if __name__ == "__main__":
    serve(make)
