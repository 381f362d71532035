"""NumPy as fast as it goes: no array is made in a step, and views of the single steps, each as dear as a small product, only once.

The input projection of all steps is one product, written where the states will be; a step of the forward pass is then a product,
a sum and a tanh. Back through time a step is a product, a sum and a product of elements; phi' is taken over all steps at once, and
so is each weight gradient, as one product over all steps and trials. A large batch goes through in blocks of trials that stay in
cache. Where NumPy's tanh is not vectorised (x86 without AVX-512), 1 - 2 / (exp(2a) + 1) is quicker: which one, is timed beforehand,
and the 2 is folded into the weights. Adam is a few passes over one flat vector.
"""

import itertools
import time

from protocol import BETA1, BETA2, EPS, LR, serve

import numpy as np

BLOCK = 128  # trials


def tanh_is_slow(shape, dtype):
    """Whether exp and three plain passes are quicker than NumPy's tanh."""
    a, out = np.linspace(-2, 2, int(np.prod(shape)), dtype=dtype).reshape(shape), np.empty(shape, dtype)
    one = np.ones((), dtype)

    def seconds(call):
        least = np.inf
        for _ in range(30):
            began = time.perf_counter()
            call()
            least = min(least, time.perf_counter() - began)
        return least

    def by_exp():
        np.exp(a, out=out)
        for _ in range(3):
            np.add(out, one, out=out)

    return seconds(by_exp) < seconds(lambda: np.tanh(a, out=out))


def make(weights, T, B, threads):
    dtype = weights["W_rec"].dtype
    names = ("W_rec", "W_in", "W_out", "b_out")
    sizes = np.cumsum([0] + [weights[name].size for name in names])
    theta, gradient, added, m, v, work, root = (np.zeros(sizes[-1], dtype) for _ in range(7))

    def views(flat):
        return [flat[a:b].reshape(weights[n].shape) for n, a, b in zip(names, sizes[:-1], sizes[1:], strict=True)]

    for view, name in zip(views(theta), names, strict=True):
        view[:] = weights[name]
    W_rec, W_in, W_out, b_out = views(theta)
    W_rec_bar, W_in_bar, W_out_bar, b_out_bar = views(added)
    N, I = W_in.shape
    O = len(W_out)
    C = max(c for c in range(1, min(BLOCK, B) + 1) if B % c == 0)
    slow = tanh_is_slow((C, N), dtype)
    W_rec_T, W_in_T = np.empty((N, N), dtype), np.empty((I, N), dtype)
    h, a_bar, phi_prime = np.zeros((T + 1, C, N), dtype), np.empty((T, C, N), dtype), np.empty((T, C, N), dtype)
    a, h_bar = np.empty((C, N), dtype), np.empty((C, N), dtype)
    z, z_bar, ones = np.empty((T * C, O), dtype), np.empty((T * C, O), dtype), np.ones(T * C, dtype)
    states, before, after = h[1:], h[:-1].reshape(T * C, N), h[1:].reshape(T * C, N)
    flat_a_bar, flat_z_bar = a_bar.reshape(T * C, N), z_bar.ravel()
    forward = list(itertools.pairwise(h))
    backward = [(a_bar[t + 1], a_bar[t], phi_prime[t]) for t in reversed(range(T - 1))]
    dot, add, multiply, divide, exp, tanh = np.dot, np.add, np.multiply, np.divide, np.exp, np.tanh
    one, minus_two, gain = np.array(1, dtype), np.array(-2, dtype), np.array(2 if slow else 1, dtype)
    scale = np.array(2.0 / (T * B * O), dtype)
    beta1, beta2, rest1, rest2, eps = (np.array(s, dtype) for s in (BETA1, BETA2, 1 - BETA1, 1 - BETA2, EPS))
    updates = 0

    def put(x, target):
        """The blocks of trials, each (T C, I) and (T C, O)."""
        blocks = [slice(b, b + C) for b in range(0, B, C)]
        return ([tuple(np.ascontiguousarray(p[:, b], dtype).reshape(T * C, -1) for p in (x, target)) for b in blocks],)

    def block(x, target):
        """Fill `added` with the gradient of these trials and return their sum of squared errors."""
        dot(x, W_in_T, out=after)
        if slow:
            for h_t, h_next in forward:
                dot(h_t, W_rec_T, a)
                add(h_next, a, a)
                exp(a, a)
                add(a, one, a)
                divide(minus_two, a, a)
                add(a, one, h_next)
        else:
            for h_t, h_next in forward:
                dot(h_t, W_rec_T, a)
                add(h_next, a, a)
                tanh(a, h_next)
        dot(after, W_out.T, out=z)
        add(z, b_out, z)
        np.subtract(z, target, z_bar)
        squares = float(dot(flat_z_bar, flat_z_bar))
        multiply(z_bar, scale, z_bar)

        dot(z_bar, W_out, out=flat_a_bar)
        multiply(states, states, phi_prime)
        np.subtract(one, phi_prime, phi_prime)
        multiply(a_bar[-1], phi_prime[-1], a_bar[-1])
        for a_bar_next, a_bar_t, phi_prime_t in backward:
            dot(a_bar_next, W_rec, h_bar)
            add(a_bar_t, h_bar, h_bar)
            multiply(h_bar, phi_prime_t, a_bar_t)
        dot(flat_a_bar.T, before, out=W_rec_bar)
        dot(flat_a_bar.T, x, out=W_in_bar)
        dot(z_bar.T, after, out=W_out_bar)
        dot(ones, z_bar, out=b_out_bar)
        return squares

    def update(blocks):
        nonlocal updates
        multiply(W_rec.T, gain, W_rec_T)
        multiply(W_in.T, gain, W_in_T)
        gradient[:] = 0
        squares = 0.0
        with np.errstate(over="ignore"):  # 1 - 2 / inf is right
            for x, target in blocks:
                squares += block(x, target)
                add(gradient, added, gradient)
        updates += 1
        multiply(m, beta1, m)
        multiply(gradient, rest1, work)
        add(m, work, m)
        multiply(v, beta2, v)
        multiply(gradient, gradient, work)
        multiply(work, rest2, work)
        add(v, work, v)
        multiply(v, dtype.type(1 / (1 - BETA2**updates)), root)
        np.sqrt(root, root)
        add(root, eps, root)
        divide(m, root, root)
        multiply(root, dtype.type(LR / (1 - BETA1**updates)), root)
        np.subtract(theta, root, theta)
        return squares / (T * B * O)

    return put, update


if __name__ == "__main__":
    serve(make)
