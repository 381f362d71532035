"""NumPy as fast as it goes: nothing is allocated in a step, every array that a product can fill is filled by one.

The input projection of all steps is one product written where the states will be; a step of the forward pass is then a product,
a sum and a tanh in place. Back through time a step is a product and two passes; phi' is taken over many steps at once. Each weight
gradient is one product over all steps and trials. Views of the single steps are made once, since making one costs as much as a
small product. Adam is a few passes over one flat vector.
"""

from protocol import BETA1, BETA2, EPS, LR, serve

import numpy as np


def make(weights, T, B, threads):
    dtype = weights["W_rec"].dtype
    names = ("W_rec", "W_in", "W_out", "b_out")
    sizes = np.cumsum([0] + [weights[name].size for name in names])
    theta, gradient, m, v, work, root = (np.zeros(sizes[-1], dtype) for _ in range(6))

    def views(flat):
        return [flat[a:b].reshape(weights[n].shape) for n, a, b in zip(names, sizes[:-1], sizes[1:], strict=True)]

    for view, name in zip(views(theta), names, strict=True):
        view[:] = weights[name]
    W_rec, W_in, W_out, b_out = views(theta)
    W_rec_bar, W_in_bar, W_out_bar, b_out_bar = views(gradient)
    N, I = W_in.shape
    O = len(W_out)
    W_rec_T = np.empty((N, N), dtype)
    h = np.zeros((T + 1, B, N), dtype)
    a_bar = np.empty((T, B, N), dtype)
    phi_prime = np.empty((T, B, N), dtype)
    h_bar = np.empty((B, N), dtype)
    a = np.empty((B, N), dtype)
    z = np.empty((T * B, O), dtype)
    z_bar = np.empty((T * B, O), dtype)
    before, after = h[:-1].reshape(T * B, N), h[1:].reshape(T * B, N)
    flat_a_bar = a_bar.reshape(T * B, N)
    a_bar_T, z_bar_T = flat_a_bar.T, z_bar.T
    forward = list(zip(h[:-1], h[1:], strict=True))
    backward = [(a_bar[t + 1], a_bar[t], phi_prime[t]) for t in reversed(range(T - 1))]
    ones = np.ones(T * B, dtype)
    dot, add, multiply, tanh = np.dot, np.add, np.multiply, np.tanh
    real = dtype.type
    scale = real(2.0 / (T * B * O))
    beta1, beta2, updates = real(BETA1), real(BETA2), 0

    def put(x, target):
        return np.ascontiguousarray(x, dtype).reshape(T * B, I), np.ascontiguousarray(target, dtype).reshape(T * B, O)

    def update(x, target):
        nonlocal updates
        np.copyto(W_rec_T, W_rec.T)
        dot(x, W_in.T, out=after)
        for h_t, h_next in forward:
            dot(h_t, W_rec_T, out=a)
            add(h_next, a, out=h_next)
            tanh(h_next, out=h_next)
        dot(after, W_out.T, out=z)
        add(z, b_out, out=z)
        np.subtract(z, target, out=z_bar)
        loss = float(dot(z_bar.ravel(), z_bar.ravel())) / z_bar.size
        multiply(z_bar, scale, out=z_bar)

        dot(z_bar, W_out, out=flat_a_bar)
        multiply(h[1:], h[1:], out=phi_prime)
        np.subtract(real(1), phi_prime, out=phi_prime)
        multiply(a_bar[-1], phi_prime[-1], out=a_bar[-1])
        for a_bar_next, a_bar_t, phi_prime_t in backward:
            dot(a_bar_next, W_rec, out=h_bar)
            add(a_bar_t, h_bar, out=a_bar_t)
            multiply(a_bar_t, phi_prime_t, out=a_bar_t)
        dot(a_bar_T, before, out=W_rec_bar)
        dot(a_bar_T, x, out=W_in_bar)
        dot(z_bar_T, after, out=W_out_bar)
        dot(ones, z_bar, out=b_out_bar)

        updates += 1
        multiply(m, beta1, out=m)
        multiply(gradient, 1 - beta1, out=work)
        add(m, work, out=m)
        multiply(v, beta2, out=v)
        multiply(gradient, gradient, out=work)
        multiply(work, 1 - beta2, out=work)
        add(v, work, out=v)
        np.sqrt(v, out=root)
        multiply(root, real(1 / np.sqrt(1 - BETA2**updates)), out=root)
        add(root, real(EPS), out=root)
        np.divide(m, root, out=root)
        multiply(root, real(LR / (1 - BETA1**updates)), out=root)
        np.subtract(theta, root, out=theta)
        return loss

    return put, update


if __name__ == "__main__":
    serve(make)
