"""minirnn's plain NumPy reference, and Adam as it is printed."""

from protocol import BETA1, BETA2, EPS, LR, serve

import numpy as np

from minirnn.reference import Model, Params, loss_and_gradient


def make(weights, T, B, threads):
    names = tuple(weights)
    theta = dict(weights)
    N, dtype = len(theta["W_rec"]), theta["W_rec"].dtype
    m, v = ({name: np.zeros_like(p) for name, p in theta.items()} for _ in range(2))
    model = Model(leak=np.ones(N, dtype), gain=np.ones(N, dtype))
    absent = dict.fromkeys(Params._fields)
    h0, updates = np.zeros(N, dtype), 0

    def put(x, target):
        return x.astype(dtype), target.astype(dtype), np.ones(target.shape, dtype)

    def update(x, target, mask):
        nonlocal updates
        loss, gradient = loss_and_gradient(Params(**(absent | theta)), x, target, mask, h0, None, model)
        updates += 1
        for name in names:
            g = getattr(gradient, name)
            m[name] = BETA1 * m[name] + (1 - BETA1) * g
            v[name] = BETA2 * v[name] + (1 - BETA2) * g * g
            m_hat, v_hat = m[name] / (1 - BETA1**updates), v[name] / (1 - BETA2**updates)
            theta[name] = theta[name] - LR * m_hat / (np.sqrt(v_hat) + EPS)
        return loss

    return put, update


if __name__ == "__main__":
    serve(make)
