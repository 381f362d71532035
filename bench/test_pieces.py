"""The small pieces of a training step, each alone; pytest-benchmark times them.

    pip install pytest-benchmark
    pytest bench/test_pieces.py
    pytest bench/test_pieces.py --benchmark-autosave    before a change
    pytest bench/test_pieces.py --benchmark-compare     after it

Sizes are those of one chunk of 64 trials at N = 50.
"""

import numpy as np
import pytest

import minirnn as mr
from minirnn.engine import SEGMENT_ROWS, Flat, Store, kernels, row_length, single_blas_thread
from minirnn.optimizer import update
from minirnn.reference import ACTIVATIONS

pytest.importorskip("pytest_benchmark", reason="pip install pytest-benchmark")

N, T, B, I, O = 50, 200, 64, 2, 1
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def normal(*shape, dtype):
    return np.random.default_rng(0).standard_normal(shape).astype(dtype)


@DTYPES
@pytest.mark.parametrize("phi", ACTIVATIONS)
def test_activation(benchmark, phi, dtype):
    a = normal(B * N, dtype=dtype)
    benchmark(kernels().dynamics.activate, np.empty_like(a), a, ACTIVATIONS.index(phi))


@DTYPES
@pytest.mark.parametrize("phi", ACTIVATIONS)
def test_activation_adjoint(benchmark, phi, dtype):
    r = np.tanh(normal(B * N, dtype=dtype))
    one = np.ones_like(r)
    benchmark(kernels().dynamics.activate_adjoint, np.empty_like(r), one, one, r, ACTIVATIONS.index(phi))


@DTYPES
def test_tanh_of_numpy(benchmark, dtype):
    a = normal(B * N, dtype=dtype)
    benchmark(np.tanh, a, out=np.empty_like(a))


@DTYPES
def test_product_of_one_step(benchmark, dtype):
    W = row_length(I, N, O, np.dtype(dtype).itemsize)
    a, packed = normal(B, W, dtype=dtype), normal(W * W, dtype=dtype)
    benchmark(kernels().dynamics.product, np.empty_like(a), a, packed, N + I + 1, N + I + 1, N + O)


@DTYPES
def test_outer_products_of_a_segment(benchmark, dtype):
    W = row_length(I, N, O, np.dtype(dtype).itemsize)
    a, b = normal(SEGMENT_ROWS, 1, W, dtype=dtype), normal(SEGMENT_ROWS, 1, W, dtype=dtype)
    benchmark(kernels().dynamics.add_outer_products, np.zeros((W, W), dtype), a, b, 0, SEGMENT_ROWS, N + O, N + I + 1)


@DTYPES
def test_product_of_numpy(benchmark, dtype):
    h, W = normal(B, N, dtype=dtype), normal(N, N, dtype=dtype)
    with single_blas_thread:
        benchmark(np.dot, h, W, out=np.empty_like(h))


@DTYPES
def test_loss_and_its_adjoint(benchmark, dtype):
    z, target = normal(T, B, O, dtype=dtype), normal(B, T, O, dtype=dtype)
    benchmark(kernels().loss.loss, np.empty_like(z), z, target, np.ones_like(target), np.arange(B), dtype(1 / z.size), 0)


@DTYPES
def test_adam(benchmark, dtype):
    net = mr.Network.random(I, N, O, dtype=dtype, rng=0)
    theta, m, v, gradient = (Flat(net.params, net.dtype) for _ in range(4))
    v.vector[:] = np.abs(v.vector)
    benchmark(update, theta, m, v, gradient, 10, mr.Adam())


def test_packing_the_weights(benchmark):
    net = mr.Network.random(I, N, O, rng=0)
    with net.engine(T, B) as engine:
        benchmark(engine.set_params, net.params, net.h0)


def test_drawing_state_noise(benchmark):
    net = mr.Network.random(I, N, O, noise=0.1, rng=0)
    benchmark(net.draw_noise, T, B, np.random.default_rng(0))


def test_store_of_a_batch(benchmark):
    trials = mr.Trials(normal(T, B, I, dtype=np.float32), normal(T, B, O, dtype=np.float32))
    benchmark(Store.of, trials, np.float32)
