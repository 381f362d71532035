"""A step of dh/dt = f(h) by forward Euler, by methods to compare it with, and trajectories under a held input.

    (1) h + dt f(h)                                   forward Euler; a trajectory is off by O(dt)
    (2) h + dt phi_1(dt A) f(h),  phi_1(Z) = (e^Z - 1) / Z     the exact linear step: exact where f is affine and A its matrix;
                                                      with A = df/dh at h, exponential Rosenbrock-Euler, O(dt^2)
                                                      (Hochbruck & Ostermann 2010, Acta Numerica 19:209)
    (3) h + dt/6 (k1 + 2 k2 + 2 k3 + k4),  k1 = f(h), k2 = f(h + dt/2 k1), k3 = f(h + dt/2 k2), k4 = f(h + dt k3)
                                                      the classical Runge-Kutta method, O(dt^4)
    (4) exp([[Z, v], [0, 0]]) = [[e^Z, phi_1(Z) v], [0, 1]]     how (2) is computed; Z need not be invertible
    (5) the solution to a tolerance                   scipy's solve_ivp, DOP853: its steps are its own

The times dt are in the unit of the f that is given; h is (.., N), f takes and gives an array of the shape of h.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp
from scipy.linalg import expm

Array = np.ndarray[Any, Any]
Field = Callable[[Array], Array]

RTOL, ATOL = 1e-12, 1e-13  # of (5), relative and absolute


def euler(f: Field, h: Array, dt: float) -> Array:
    """Forward Euler."""
    return h + dt * f(h)  # (1)


def rk4(f: Field, h: Array, dt: float) -> Array:
    """The classical Runge-Kutta method of order 4."""
    k1 = f(h)  # (3)
    k2 = f(h + dt / 2 * k1)  # (3)
    k3 = f(h + dt / 2 * k2)  # (3)
    k4 = f(h + dt * k3)  # (3)
    return h + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)  # (3)


def exact_linear(A: Array, v: Array, h: Array, dt: float) -> Array:
    """The step from h (.., N) where dh/dt is v (.., N), with the matrix A (N, N), or one for each state, (.., N, N)."""
    N = v.shape[-1]
    Z = np.zeros((*v.shape[:-1], N + 1, N + 1))
    Z[..., :N, :N] = dt * A
    Z[..., :N, N] = v
    return h + dt * expm(Z)[..., :N, N]  # (2), (4)


def solved(f: Field, h: Array, dt: float) -> Array:
    """The solution after dt by scipy's solve_ivp. RuntimeError where it fails, as for a solution that is infinite before dt."""
    found = solve_ivp(lambda t, y: f(y.reshape(h.shape)).ravel(), (0.0, dt), h.ravel(), "DOP853", rtol=RTOL, atol=ATOL)  # (5)
    if not found.success:
        raise RuntimeError(f"solve_ivp failed: {found.message}")
    return found.y[:, -1].reshape(h.shape)


def trajectory(step: Callable[[Array, Array], Array], h0: Any, x: Any, *, substeps: int = 1) -> Array:
    """h (T+1, .., N) from h0 (.., N): each x[t] is held while h = step(h, x[t]) is taken `substeps` times; x (T, .., I).

    ValueError for substeps < 1.
    """
    if substeps < 1:
        raise ValueError(f"substeps must be at least 1, got {substeps}")
    state = np.array(h0, np.float64)
    states = [state]
    for held in np.asarray(x, np.float64):
        for _ in range(substeps):
            state = step(state, held)
        states.append(state)
    return np.array(states)
