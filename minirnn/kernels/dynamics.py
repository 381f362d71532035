"""Both forms of the model: forward-Euler rollout and readout, each beside its hand-derived adjoint.

    (1)   tau dh/dt = -h + phi(W_rec h + W_in x + b_rec)        the rate form (arXiv 1906.01094, eq. 3)
    (2)   a_t     = W_rec h_t + W_in x_t + b_rec + n_t          current; n is the state noise, drawn above
    (3)   r_t     = phi(a_t)                                    drive
    (4)   h_{t+1} = keep h_t + gain r_t                         forward Euler (eq. 5): keep = 1 - dt/tau,
                                                                gain = dt/tau (normalised) or dt (literal)

    (1c)  tau dh/dt = -h + W_rec phi(h) + W_in x + b_rec        the current form (thesis eqs. 1.1-1.3; pycog; KerasCog)
    (2c)  r_t     = phi(h_t)                                    rate
    (3c)  a_t     = W_rec r_t + W_in x_t + b_rec                drive
    (4c)  h_{t+1} = keep h_t + gain a_t + n_t                   forward Euler

    (5)   z_t     = W_out rho_{t+1} + b_out                     readout, after x_t was consumed, of the rates rho: h in the
                                                                rate form, r in the current form
    (6)   L       = sum m e / M + c sum rho^2                   masked error (`kernels.loss`) and cost of activity,
                                                                c = rate_penalty / (T B N) over rho_1 .. rho_T

The current and the readout are one product. With s_t = [rho_t, x_t, 1] and one matrix

          P = [ W_rec  W_in  b_rec ]       (7)  y_t = P s_t = [W_rec rho_t + W_in x_t + b_rec, z_{t-1}]
              [ W_out   0    b_out ]

a step costs one product forward (7) and one back (7*), and all weight gradients are one product (7*) over many steps.
v_bar is dL/dv. Read from the bottom up, the equations give their adjoints:

    (6*)  z_bar_t as `kernels.loss` gives it;      rho_bar_t += 2 c rho_t
    (4*)  r_bar_t = gain h_bar_{t+1};              h_bar_t += keep h_bar_{t+1}         (4c*) alike, with a_bar_t for r_bar_t
    (3*)  a_bar_t = phi'(a_t) r_bar_t              phi' is written in terms of r: a is not kept
    (7*)  s_bar_t = P^T y_bar_t                    y_bar_t = [a_bar_t, z_bar_{t-1}],  s_bar_t = [rho_bar_t, ..]
          P_bar   = sum_t y_bar_t s_t^T            the gradients of all weights and biases at once
    (2c*) h_bar_t += phi'(h_t) r_bar_t             again in terms of r: h is not kept

pycog's regulariser against vanishing gradients (current form), of which only the immediate derivative to W_rec is wanted,
g_t = h_bar_t held:

    (8)   b_t     = keep g_{t+1} + phi'(h_t) (W_rec^T gain g_{t+1})
    (9)   Omega   = mean (|b_t|^2 / |g_{t+1}|^2 - 1)^2 over the t and trials with |g_{t+1}|^2 >= 1e-20

The plain version that these must equal is `minirnn.reference`. One call takes a chunk of C trials through the steps t0 .. t1 - 1.
Shapes: T steps in all, S = t1 - t0 of them here, N units, I inputs, O outputs. A trial's row has W columns, N + max(I + 1, O)
or a few more (`engine.row_length`): the columns behind the meaningful ones do no harm.  s (S+1, C, W)
drive (S, C, W), or (0, C, W) where keep = 0 and gain = 1: then r_t is h_{t+1}.  z, z_bar (T, C, O)
keep, gain, rate (C, W): a row per trial, 0 behind the units, so that a step is one flat loop.
forward, backward: P transposed and P, as `pack` lays them out for `product`.
"""

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, register_model

from ._jit import kernel

# Only flags that leave NaN and inf meaningful: fused multiply-add, no signed zeros, division by reciprocal.
FASTMATH = {"contract", "nsz", "arcp"}

TANH, RELU, SIGMOID, SOFTPLUS, LINEAR = 0, 1, 2, 3, 4  # the order of `minirnn.reference.ACTIVATIONS`
RATE, CURRENT = 0, 1

# ---- small matrix products, sums held in registers


PANEL, HALF = 64, 32  # bytes: the columns that are summed at once; two vector registers of AVX2, one of AVX-512, four of NEON
ROWS = 4  # rows summed at once: with a panel and AVX2 8 sums, what hides the latency of two multiply-adds per cycle


class Lanes(types.Type):
    """So many numbers side by side in vector registers."""

    def __init__(self, scalar, size):
        self.scalar, self.size = scalar, size
        super().__init__(name=f"Lanes({scalar} x {size})")


@register_model(Lanes)
class LanesModel(models.PrimitiveModel):
    """An LLVM vector."""

    def __init__(self, manager, lanes):
        scalar = ir.FloatType() if lanes.scalar == types.float32 else ir.DoubleType()
        super().__init__(manager, lanes, ir.VectorType(scalar, lanes.size))


def _lanes(array, width):  # pragma: no cover  (what follows up to `product` runs inside the compiler alone)
    return Lanes(array.dtype, width // (array.dtype.bitwidth // 8))


def _pointer(context, builder, array_type, array, k):  # pragma: no cover
    return builder.gep(context.make_array(array_type)(context, builder, array).data, [k])


def _loading(width):
    def load(typing, array, k):  # pragma: no cover
        lanes = _lanes(array, width)

        def code(context, builder, signature, arguments):
            at = _pointer(context, builder, signature.args[0], *arguments)
            vector = context.get_value_type(lanes)
            return builder.load(
                builder.bitcast(at, vector.as_pointer()), align=vector.element.get_abi_alignment(context.target_data)
            )

        return lanes(array, types.intp), code

    return intrinsic(load)


def _spreading(width):
    def spread(typing, array, k):  # pragma: no cover
        lanes = _lanes(array, width)

        def code(context, builder, signature, arguments):
            number = builder.load(_pointer(context, builder, signature.args[0], *arguments))
            vector = context.get_value_type(lanes)
            first = builder.insert_element(ir.Constant(vector, ir.Undefined), number, ir.Constant(ir.IntType(32), 0))
            everywhere = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), [0] * vector.count)
            return builder.shuffle_vector(first, ir.Constant(vector, ir.Undefined), everywhere)

        return lanes(array, types.intp), code

    return intrinsic(spread)


def _nothing(width):
    def nothing(typing, array):  # pragma: no cover
        lanes = _lanes(array, width)
        return lanes(array), lambda context, *_: ir.Constant(context.get_value_type(lanes), None)

    return intrinsic(nothing)


load, load_half = _loading(PANEL), _loading(HALF)  # (array, k): the numbers array[k], array[k + 1], ..
spread, spread_half = _spreading(PANEL), _spreading(HALF)  # (array, k): array[k] everywhere
nothing, nothing_half = _nothing(PANEL), _nothing(HALF)  # (array): zeros of its type


@intrinsic
def store(typing, array, k, lanes):  # pragma: no cover
    """array[k], array[k + 1], .. = lanes."""

    def code(context, builder, signature, arguments):
        at = _pointer(context, builder, signature.args[0], *arguments[:2])
        vector = arguments[2].type
        alignment = vector.element.get_abi_alignment(context.target_data)
        builder.store(arguments[2], builder.bitcast(at, vector.as_pointer()), align=alignment)
        return context.get_dummy_value()

    return types.void(array, types.intp, lanes), code


@intrinsic
def multiply_add(typing, a, b, c):  # pragma: no cover
    """a b + c, in one rounding where the machine can."""

    def code(context, builder, signature, arguments):
        a, b, c = arguments
        return builder.fadd(builder.fmul(a, b, flags=("contract",)), c, flags=("contract",))

    return a(a, a, a), code


@intrinsic
def plus(typing, a, b):  # pragma: no cover
    """a + b."""
    return a(a, a), lambda context, builder, signature, arguments: builder.fadd(*arguments)


@kernel(FASTMATH)
def block(o, at, o_step, a, i, i_step, k_step, b, j, b_step, K, add):  # pragma: no cover
    """Four rows by one panel of o = sum_k a b: a is read at i + row i_step + k k_step, b at j + k b_step; o is added to."""
    if add:
        c0, c1, c2, c3 = load(o, at), load(o, at + o_step), load(o, at + 2 * o_step), load(o, at + 3 * o_step)
    else:
        c0 = c1 = c2 = c3 = nothing(o)
    i1, i2, i3 = i + i_step, i + 2 * i_step, i + 3 * i_step
    for _ in range(K):
        v = load(b, j)
        c0 = multiply_add(spread(a, i), v, c0)
        c1 = multiply_add(spread(a, i1), v, c1)
        c2 = multiply_add(spread(a, i2), v, c2)
        c3 = multiply_add(spread(a, i3), v, c3)
        i, i1, i2, i3, j = i + k_step, i1 + k_step, i2 + k_step, i3 + k_step, j + b_step
    store(o, at, c0)
    store(o, at + o_step, c1)
    store(o, at + 2 * o_step, c2)
    store(o, at + 3 * o_step, c3)


@kernel(FASTMATH)
def wide_block(o, at, o_step, a, i, i_step, k_step, b, j, b_step, K, add):  # pragma: no cover
    """As `block`, with a panel and a half: so an odd number of halves costs no more than its share."""
    n = PANEL // o.itemsize
    if add:
        c0, c1, c2, c3 = load(o, at), load(o, at + o_step), load(o, at + 2 * o_step), load(o, at + 3 * o_step)
        at_half = at + n
        d0, d1 = load_half(o, at_half), load_half(o, at_half + o_step)
        d2, d3 = load_half(o, at_half + 2 * o_step), load_half(o, at_half + 3 * o_step)
    else:
        c0 = c1 = c2 = c3 = nothing(o)
        d0 = d1 = d2 = d3 = nothing_half(o)
    i1, i2, i3 = i + i_step, i + 2 * i_step, i + 3 * i_step
    for _ in range(K):
        v, w = load(b, j), load_half(b, j + n)
        c0, d0 = multiply_add(spread(a, i), v, c0), multiply_add(spread_half(a, i), w, d0)
        c1, d1 = multiply_add(spread(a, i1), v, c1), multiply_add(spread_half(a, i1), w, d1)
        c2, d2 = multiply_add(spread(a, i2), v, c2), multiply_add(spread_half(a, i2), w, d2)
        c3, d3 = multiply_add(spread(a, i3), v, c3), multiply_add(spread_half(a, i3), w, d3)
        i, i1, i2, i3, j = i + k_step, i1 + k_step, i2 + k_step, i3 + k_step, j + b_step
    store(o, at, c0)
    store(o, at + o_step, c1)
    store(o, at + 2 * o_step, c2)
    store(o, at + 3 * o_step, c3)
    at += n
    store(o, at, d0)
    store(o, at + o_step, d1)
    store(o, at + 2 * o_step, d2)
    store(o, at + 3 * o_step, d3)


@kernel(FASTMATH)
def row(o, at, a, i, b, j, b_step, K):  # pragma: no cover
    """One row by one panel of o = sum_k a b, as four sums, so that no addition waits for the one before."""
    c0 = c1 = c2 = c3 = nothing(o)
    k = 0
    while k + 4 <= K:
        c0 = multiply_add(spread(a, i + k), load(b, j), c0)
        c1 = multiply_add(spread(a, i + k + 1), load(b, j + b_step), c1)
        c2 = multiply_add(spread(a, i + k + 2), load(b, j + 2 * b_step), c2)
        c3 = multiply_add(spread(a, i + k + 3), load(b, j + 3 * b_step), c3)
        k, j = k + 4, j + 4 * b_step
    while k < K:
        c0 = multiply_add(spread(a, i + k), load(b, j), c0)
        k, j = k + 1, j + b_step
    store(o, at, plus(plus(c0, c1), plus(c2, c3)))


@kernel(FASTMATH)
def half_row(o, at, a, i, b, j, b_step, K):  # pragma: no cover
    """As `row`, by half a panel."""
    c0 = c1 = c2 = c3 = nothing_half(o)
    k = 0
    while k + 4 <= K:
        c0 = multiply_add(spread_half(a, i + k), load_half(b, j), c0)
        c1 = multiply_add(spread_half(a, i + k + 1), load_half(b, j + b_step), c1)
        c2 = multiply_add(spread_half(a, i + k + 2), load_half(b, j + 2 * b_step), c2)
        c3 = multiply_add(spread_half(a, i + k + 3), load_half(b, j + 3 * b_step), c3)
        k, j = k + 4, j + 4 * b_step
    while k < K:
        c0 = multiply_add(spread_half(a, i + k), load_half(b, j), c0)
        k, j = k + 1, j + b_step
    store(o, at, plus(plus(c0, c1), plus(c2, c3)))


@kernel(FASTMATH)
def long_row(o, at, a, i, b, j, panel, last_step, wide, K):  # pragma: no cover
    """One row by three panels of o = sum_k a b in one loop; they lie `panel` numbers apart in b, and the last one is one and a
    half where `wide`, with `last_step` numbers for each k."""
    n = PANEL // o.itemsize
    c0 = c1 = c2 = nothing(o)
    c3 = nothing_half(o)
    j1, j2 = j + panel, j + 2 * panel
    for k in range(i, i + K):
        v = spread(a, k)
        c0 = multiply_add(v, load(b, j), c0)
        c1 = multiply_add(v, load(b, j1), c1)
        c2 = multiply_add(v, load(b, j2), c2)
        if wide:
            c3 = multiply_add(spread_half(a, k), load_half(b, j2 + n), c3)
        j, j1, j2 = j + n, j1 + n, j2 + last_step
    store(o, at, c0)
    store(o, at + n, c1)
    store(o, at + 2 * n, c2)
    if wide:
        store(o, at + 3 * n, c3)


@kernel(FASTMATH)
def columns(n, itemsize):
    """n rounded up to half panels, at least a panel: how many columns a product computes."""
    half = HALF // itemsize
    return max(2, -(-n // half)) * half


@kernel(FASTMATH)
def compiled_product(o, a, packed, K, K_packed, M):  # pragma: no cover
    """As `product`."""
    rows, W = o.shape
    n = PANEL // o.itemsize
    end = columns(M, o.itemsize)
    wide = end % n > 0  # the last panel is one and a half
    whole = end // n - 1 if wide else end // n
    flat_o, flat_a = o.ravel(), a.ravel()
    fours = rows - rows % ROWS
    for p in range(whole):
        for i in range(0, fours, ROWS):
            block(flat_o, i * W + p * n, W, flat_a, i * W, W, 1, packed, p * n * K_packed, n, K, False)
    if wide:
        p = whole * n
        for i in range(0, fours, ROWS):
            wide_block(flat_o, i * W + p, W, flat_a, i * W, W, 1, packed, p * K_packed, n + n // 2, K, False)
    for i in range(fours, rows):
        p = 0
        while p < whole:
            ends_wide = wide and p + 2 == whole
            if ends_wide or p + 3 + (2 if wide else 0) <= whole:
                step = n + n // 2 if ends_wide else n
                long_row(flat_o, i * W + p * n, flat_a, i * W, packed, p * n * K_packed, n * K_packed, step, ends_wide, K)
                p += 3
            else:
                row(flat_o, i * W + p * n, flat_a, i * W, packed, p * n * K_packed, n, K)
                p += 1
        if wide and p == whole:
            at, j = i * W + p * n, p * n * K_packed
            row(flat_o, at, flat_a, i * W, packed, j, n + n // 2, K)
            half_row(flat_o, at + n, flat_a, i * W, packed, j + n, n + n // 2, K)


@kernel(FASTMATH)
def compiled_add_outer_products(o, a, b, skipped, rows, M, K):  # pragma: no cover
    """As `add_outer_products`."""
    W = o.shape[1]
    n = PANEL // o.itemsize
    end = columns(K, o.itemsize)
    wide = end % n > 0
    whole = end // n - 1 if wide else end // n
    flat_o, flat_a, flat_b = o.ravel(), a.ravel(), b.ravel()
    for p in range(whole):
        for i in range(0, M, ROWS):
            block(flat_o, i * W + p * n, W, flat_a, i, 1, W, flat_b, skipped * W + p * n, W, rows, True)
    if wide:
        for i in range(0, M, ROWS):
            wide_block(flat_o, i * W + whole * n, W, flat_a, i, 1, W, flat_b, skipped * W + whole * n, W, rows, True)


def plain_product(o, a, packed, K, K_packed, M):
    """o[:, :M] = a[:, :K] Q[:K], with Q (K_packed, M) as `pack` laid it out; o and a (rows, W). What lies behind column M in o may
    change."""
    n = PANEL // o.itemsize
    end = columns(M, o.itemsize)
    p = 0
    while p < end:
        step = n + n // 2 if end - p == n + n // 2 else n
        Q = packed[p * K_packed : (p + step) * K_packed].reshape(K_packed, step)
        o[:, p : p + step] = a[:, :K] @ Q[:K]
        p += step


def plain_add_outer_products(o, a, b, skipped, rows, M, K):
    """o[:M, :K] += sum over so many rows of a[row, :M] b[skipped + row, :K]; o (W, W), and a and b of as many rows of W as there
    are. What lies behind in o may change."""
    W = o.shape[1]
    o[:M, :K] += a.reshape(-1, W)[:rows, :M].T @ b.reshape(-1, W)[skipped : skipped + rows, :K]


# Without the compiler there are no registers to hold sums in: the plain statement of what they compute stands in.
INTERPRETED = bool(getattr(numba.config, "DISABLE_JIT"))  # noqa: B009  numba makes its settings at run time
product = plain_product if INTERPRETED else compiled_product
add_outer_products = plain_add_outer_products if INTERPRETED else compiled_add_outer_products


@kernel(FASTMATH)
def lay_out(packed, P, K, M, transposed):
    """Q (K, M), P or P transposed, panel by panel, each k after k; `packed` is 0 where it has no column of Q."""
    n = PANEL // P.itemsize
    end = columns(M, P.itemsize)
    p = 0
    while p < end:
        step = n + n // 2 if end - p == n + n // 2 else n
        width = min(step, M - p)
        for k in range(K):
            at = p * K + k * step
            if transposed:
                for j in range(width):
                    packed[at + j] = P[p + j, k]
            else:
                for j in range(width):
                    packed[at + j] = P[k, p + j]
        p += step


@kernel(FASTMATH)
def pack(forward, backward, P, W_in, W_rec, W_out, b_rec, b_out):
    """Make P (W, W) of the weights, and the two layouts that (7) and (7*) read. Biases are empty where there are none."""
    N, I = W_in.shape
    O = len(W_out)
    for i in range(N):
        for j in range(N):
            P[i, j] = W_rec[i, j]
        for j in range(I):
            P[i, N + j] = W_in[i, j]
        if len(b_rec) > 0:
            P[i, N + I] = b_rec[i]
    for o in range(O):
        for j in range(N):
            P[N + o, j] = W_out[o, j]
        if len(b_out) > 0:
            P[N + o, N + I] = b_out[o]
    lay_out(forward, P, N + I + 1, N + O, True)
    lay_out(backward, P, N + O, N, False)


@kernel(FASTMATH)
def unpack(W_in_bar, W_rec_bar, W_out_bar, b_rec_bar, b_out_bar, h0_bar, P_bars, h0_bars, chunks):
    """The gradients of the chunks added up in their order, (chunks, W, W) and (chunks, N), which are overwritten, and taken apart.
    What is not wanted is empty."""
    N, I = W_in_bar.shape
    O = len(W_out_bar)
    total, h0_total = P_bars[0].ravel(), h0_bars[0]
    for c in range(1, chunks):
        P_bar, start = P_bars[c].ravel(), h0_bars[c]
        for k in range(total.size):
            total[k] += P_bar[k]
        for i in range(N):
            h0_total[i] += start[i]
    P_bar = P_bars[0]
    for i in range(N):
        for j in range(N):
            W_rec_bar[i, j] = P_bar[i, j]
        for j in range(I):
            W_in_bar[i, j] = P_bar[i, N + j]
        if len(b_rec_bar) > 0:
            b_rec_bar[i] = P_bar[i, N + I]
        if len(h0_bar) > 0:
            h0_bar[i] = h0_total[i]
    for o in range(O):
        for j in range(N):
            W_out_bar[o, j] = P_bar[N + o, j]
        if len(b_out_bar) > 0:
            b_out_bar[o] = P_bar[N + o, N + I]


# ---- activations; written so that the compiler vectorises them, which it cannot do with libm's. Over the whole range, denormals
# included, they are right within 3 units in the last place, tanh of float32 within 6 (where it is nearly 1).


@kernel(FASTMATH, forceinline=True)
def tanh_float32(a):
    """x p(x^2) / q(x^2) on |x| <= 9.

    p and q: our fit of least largest relative error (2e-8 before rounding), by reweighted least squares on a Chebyshev grid.
    """
    one = np.float32(1.0)
    edge = np.float32(9.0)
    x = edge if a > edge else a  # comparisons, not min and max: NaN passes through
    x = -edge if x < -edge else x
    u = x * x
    p = np.float32(1.335267274527041e-08)
    p = p * u + np.float32(2.0607707483577542e-05)
    p = p * u + np.float32(3.495508572086692e-03)
    p = p * u + np.float32(1.3380961120128632e-01)
    p = p * u + one
    q = np.float32(7.775760195727344e-07)
    q = q * u + np.float32(3.2855014433152974e-04)
    q = q * u + np.float32(2.5876684114336967e-02)
    q = q * u + np.float32(4.671427607536316e-01)
    q = q * u + one
    r = x * p / q
    r = one if r > one else r
    return -one if r < -one else r


@kernel(FASTMATH, forceinline=True)
def exponential_float32(a):
    """(2^n1, 2^n2, expm1(y)) with a = (n1 + n2) log 2 + y, |y| <= log(2)/2, for -103 <= a <= 88; expm1 by its series.

    Adding 1.5 2^23 rounds to an integer, and leaves it in the last bits.
    """
    magic = np.float32(12582912.0)
    n = (a * np.float32(1.442695040888963) + magic) - magic
    y = (a - n * np.float32(0.693359375)) - n * np.float32(-2.1219444e-4)
    m1 = n * np.float32(0.5) + magic
    m2 = (n - (m1 - magic)) + magic
    s1 = np.int32((np.float32(m1).view(np.int32) + np.int32(127)) << np.int32(23)).view(np.float32)
    s2 = np.int32((np.float32(m2).view(np.int32) + np.int32(127)) << np.int32(23)).view(np.float32)
    q = np.float32(1.0 / 40320)
    q = q * y + np.float32(1.0 / 5040)
    q = q * y + np.float32(1.0 / 720)
    q = q * y + np.float32(1.0 / 120)
    q = q * y + np.float32(1.0 / 24)
    q = q * y + np.float32(1.0 / 6)
    q = q * y + np.float32(0.5)
    return s1, s2, y + y * y * q


@kernel(FASTMATH, forceinline=True)
def exponential_float64(a):
    """As `exponential_float32`, for -745 <= a <= 709."""
    magic = 6755399441055744.0
    n = (a * 1.4426950408889634 + magic) - magic
    y = (a - n * 0.6931471803691238) - n * 1.9082149292705877e-10
    m1 = n * 0.5 + magic
    m2 = (n - (m1 - magic)) + magic
    s1 = np.int64((np.float64(m1).view(np.int64) + 1023) << 52).view(np.float64)
    s2 = np.int64((np.float64(m2).view(np.int64) + 1023) << 52).view(np.float64)
    q = 1.0 / 6227020800
    q = q * y + 1.0 / 479001600
    q = q * y + 1.0 / 39916800
    q = q * y + 1.0 / 3628800
    q = q * y + 1.0 / 362880
    q = q * y + 1.0 / 40320
    q = q * y + 1.0 / 5040
    q = q * y + 1.0 / 720
    q = q * y + 1.0 / 120
    q = q * y + 1.0 / 24
    q = q * y + 1.0 / 6
    q = q * y + 0.5
    return s1, s2, y + y * y * q


@kernel(FASTMATH, forceinline=True)
def tanh_float64(a):
    """E / (E + 2) with E = expm1(2 |a|)."""
    x = abs(a) + abs(a)
    x = 40.0 if x > 40.0 else x  # there tanh is 1
    s1, s2, p = exponential_float64(x)
    s = s1 * s2
    E = s * p + (s - 1.0)
    r = E / (E + 2.0)
    return -r if a < 0.0 else r


@kernel(FASTMATH, forceinline=True)
def sigmoid_float32(a):
    """e^-|a| or 1, over 1 + e^-|a|."""
    one = np.float32(1.0)
    x = -abs(a)
    x = np.float32(-104.0) if x < np.float32(-104.0) else x
    s1, s2, p = exponential_float32(x)
    e = (one + p) * s1 * s2
    return (e if a < np.float32(0.0) else one) / (one + e)


@kernel(FASTMATH, forceinline=True)
def sigmoid_float64(a):
    """As `sigmoid_float32`."""
    x = -abs(a)
    x = -746.0 if x < -746.0 else x
    s1, s2, p = exponential_float64(x)
    e = (1.0 + p) * s1 * s2
    return (e if a < 0.0 else 1.0) / (1.0 + e)


@kernel(FASTMATH, forceinline=True)
def softplus_float32(a):
    """max(a, 0) + log(1 + e), e = e^-|a|; log(1 + e) = 2 artanh(e / (2 + e)) by its series."""
    zero = np.float32(0.0)
    x = -abs(a)
    x = np.float32(-104.0) if x < np.float32(-104.0) else x
    s1, s2, p = exponential_float32(x)
    e = (np.float32(1.0) + p) * s1 * s2
    g = e / (np.float32(2.0) + e)
    u = g * g
    q = np.float32(2.0 / 17)
    q = q * u + np.float32(2.0 / 15)
    q = q * u + np.float32(2.0 / 13)
    q = q * u + np.float32(2.0 / 11)
    q = q * u + np.float32(2.0 / 9)
    q = q * u + np.float32(2.0 / 7)
    q = q * u + np.float32(2.0 / 5)
    q = q * u + np.float32(2.0 / 3)
    return (zero if a < zero else a) + (np.float32(2.0) * g + g * u * q)


@kernel(FASTMATH, forceinline=True)
def softplus_float64(a):
    """As `softplus_float32`."""
    x = -abs(a)
    x = -746.0 if x < -746.0 else x
    s1, s2, p = exponential_float64(x)
    e = (1.0 + p) * s1 * s2
    g = e / (2.0 + e)
    u = g * g
    q = 2.0 / 35
    q = q * u + 2.0 / 33
    q = q * u + 2.0 / 31
    q = q * u + 2.0 / 29
    q = q * u + 2.0 / 27
    q = q * u + 2.0 / 25
    q = q * u + 2.0 / 23
    q = q * u + 2.0 / 21
    q = q * u + 2.0 / 19
    q = q * u + 2.0 / 17
    q = q * u + 2.0 / 15
    q = q * u + 2.0 / 13
    q = q * u + 2.0 / 11
    q = q * u + 2.0 / 9
    q = q * u + 2.0 / 7
    q = q * u + 2.0 / 5
    q = q * u + 2.0 / 3
    return (0.0 if a < 0.0 else a) + (2.0 * g + g * u * q)


@kernel(FASTMATH, forceinline=True)
def slope_float32(r):
    """1 - e^-r, what phi' of softplus is, for r >= 0."""
    one = np.float32(1.0)
    x = np.float32(-30.0) if r > np.float32(30.0) else -r
    s1, s2, p = exponential_float32(x)
    s = s1 * s2
    return (one - s) - s * p


@kernel(FASTMATH, forceinline=True)
def slope_float64(r):
    """As `slope_float32`."""
    x = -60.0 if r > 60.0 else -r
    s1, s2, p = exponential_float64(x)
    s = s1 * s2
    return (1.0 - s) - s * p


@kernel(FASTMATH)
def activate(r, a, phi):
    """(3) r = phi(a), elementwise over two different flat arrays (the compiler does not vectorise it in place)."""
    n = a.size
    zero = a.dtype.type(0.0)
    single = a.itemsize == 4
    if phi == TANH and single:
        for k in range(n):
            r[k] = tanh_float32(np.float32(a[k]))
    elif phi == TANH:
        for k in range(n):
            r[k] = tanh_float64(np.float64(a[k]))
    elif phi == RELU:
        for k in range(n):
            r[k] = zero if a[k] < zero else a[k]
    elif phi == SIGMOID and single:
        for k in range(n):
            r[k] = sigmoid_float32(np.float32(a[k]))
    elif phi == SIGMOID:
        for k in range(n):
            r[k] = sigmoid_float64(np.float64(a[k]))
    elif phi == SOFTPLUS and single:
        for k in range(n):
            r[k] = softplus_float32(np.float32(a[k]))
    elif phi == SOFTPLUS:
        for k in range(n):
            r[k] = softplus_float64(np.float64(a[k]))
    else:
        for k in range(n):
            r[k] = a[k]


@kernel(FASTMATH)
def activate_adjoint(a_bar, scale, r_bar, r, phi):
    """(3*) a_bar = scale r_bar phi'(a), with phi' in terms of r, elementwise over different flat arrays."""
    n = r.size
    one = r.dtype.type(1.0)
    zero = r.dtype.type(0.0)
    if phi == TANH:
        for k in range(n):
            a_bar[k] = scale[k] * r_bar[k] * (one - r[k] * r[k])
    elif phi == RELU:
        for k in range(n):
            a_bar[k] = scale[k] * r_bar[k] if r[k] > zero else zero
    elif phi == SIGMOID:
        for k in range(n):
            a_bar[k] = scale[k] * r_bar[k] * (r[k] * (one - r[k]))
    elif phi == SOFTPLUS and r.itemsize == 4:
        for k in range(n):
            a_bar[k] = scale[k] * r_bar[k] * slope_float32(np.float32(r[k]))
    elif phi == SOFTPLUS:
        for k in range(n):
            a_bar[k] = scale[k] * r_bar[k] * slope_float64(np.float64(r[k]))
    else:
        for k in range(n):
            a_bar[k] = scale[k] * r_bar[k]


# ---- the steps


@kernel(FASTMATH)
def copy(o, a):
    """o = a, flat arrays; a loop compiles in no time, an assignment of arrays in seconds."""
    for k in range(o.size):
        o[k] = a[k]


@kernel(FASTMATH)
def clear(o):
    """o = 0, a flat array."""
    for k in range(o.size):
        o[k] = 0.0


@kernel(FASTMATH)
def put(row, x, index, t, N):
    """Set the columns of s_t (C, W) behind the units to [x_t, 1]; behind the last input there is only the 1.

    x (n, T, I) is trial-major, `index` (C,) says which of its trials these are. An empty trial, -1, runs as a copy of the
    first, so that it stays as finite as that one; its mask is 0 and so is all it gives back.
    """
    I = x.shape[2]
    for b in range(len(index)):
        k = index[b] if index[b] >= 0 else index[0]
        row[b, N + I] = 1.0
        for j in range(I):
            row[b, N + j] = x[k, t, j] if t < x.shape[1] else 0.0


@kernel(FASTMATH)
def rollout(s, drive, h, start, end, z, y, x, index, noise, forward, keep, gain, N, t0, t1, form, phi):
    """From the states `start` (C, W) of step t0 and the inputs, fill s, the drive or the states h, the outputs of the steps
    t0 - 1 .. t1 - 2 (where t1 is T also T - 1), and `end` (C, W) with the states of step t1.

    y (C, W) is workspace, 0 at first. noise is (S, C, N), or (0, 0, 0) for none. h, of the current form alone, is (S+1, C, W),
    or (2, C, W) where only the last two states are kept.
    """
    T, C, O = z.shape
    W = s.shape[2]
    n = C * W
    K = N + x.shape[2] + 1
    flat_y, flat_keep, flat_gain = y.ravel(), keep.ravel(), gain.ravel()
    leaky = drive.shape[0] > 0
    noisy = noise.shape[0] > 0
    kept = max(1, h.shape[0])
    if form == RATE:
        copy(s[0].ravel(), start.ravel())
    else:
        copy(h[0].ravel(), start.ravel())
        activate(s[0].ravel(), start.ravel(), phi)  # (2c)
    for t in range(t0, t1 + 1):
        d = t - t0
        if t == t1 and t1 < T:
            break  # what is read from the last state is the next call's
        put(s[d], x, index, t, N)
        product(y, s[d], forward, K, K, N + O)  # (7)
        if t > 0:
            for b in range(C):
                for o in range(O):
                    z[t - 1, b, o] = y[b, N + o]  # (5)
        if t == T:
            break
        after = s[d + 1].ravel()
        if form == RATE:
            if noisy:
                for b in range(C):
                    for i in range(N):
                        y[b, i] += noise[d, b, i]  # (2)
            activate(drive[d].ravel() if leaky else after, flat_y, phi)  # (3), and (4) with keep = 0, gain = 1
            if leaky:
                r, now = drive[d].ravel(), s[d].ravel()
                for k in range(n):
                    after[k] = flat_keep[k] * now[k] + flat_gain[k] * r[k]  # (4)
        else:
            now, later = h[d % kept].ravel(), h[(d + 1) % kept]
            flat_later = later.ravel()
            for k in range(n):
                flat_later[k] = flat_keep[k] * now[k] + flat_gain[k] * flat_y[k]  # (4c), of (3c)
            if noisy:
                for b in range(C):
                    for i in range(N):
                        later[b, i] += noise[d, b, i]  # (4c)
            activate(after, flat_later, phi)  # (2c)
    if form == RATE:
        copy(end.ravel(), s[t1 - t0].ravel())
    else:
        copy(end.ravel(), h[(t1 - t0) % kept].ravel())


@kernel(FASTMATH)
def rollout_adjoint(
    P_bar, omega_bar, losses, h_bar, s_bar, rho_bar, y_bar, back, s, drive, z_bar, P, backward, keep, gain, rate, units, N, I,
    t0, t1, form, phi, truncate,
):  # fmt: skip
    """Take h_bar (C, W), dL/dh of step t1, down to step t0, and add the shares of these steps to P_bar (W, W), from z_bar and the
    stored run. Where t1 is T, h_bar, P_bar, omega_bar and losses[2:] are set to 0 first. rate is 2 c, 0 where a trial is empty.

    s_bar, rho_bar (C, W) and y_bar (L, C, W) are workspace: the shares of (7*) are added for the steps k L .. (k + 1) L - 1 at
    once, whatever t0 and t1 are, so that these change no bit; t0 is a multiple of L, t1 too or T.
    truncate: 0, or a number of steps: the states at its multiples are constants for the steps that follow them.
    back (L, C, W) is workspace for (8) and (9), or empty where they are not wanted: omega_bar (W, W) is the derivative of the sum
    over this chunk, losses[2] the sum, losses[3] how many steps of trials count; the h_bar of empty trials are 0 and do not count.
    """
    T, C, O = z_bar.shape
    W = s.shape[2]
    L = y_bar.shape[0]
    n = C * W
    flat_s_bar, flat_h_bar, flat_rho_bar = s_bar.ravel(), h_bar.ravel(), rho_bar.ravel()
    flat_keep, flat_gain, flat_rate, flat_units = keep.ravel(), gain.ravel(), rate.ravel(), units.ravel()
    penalised = flat_rate.any()
    direct = form == RATE and not flat_keep.any() and not penalised  # h_bar_t is s_bar_t
    vanishing = back.shape[0] > 0
    if t1 == T:
        clear(P_bar.ravel())
        clear(flat_h_bar)
        clear(omega_bar.ravel())
        losses[2] = losses[3] = 0.0
    stop = T + 1 if t1 == T else t1
    while stop > t0:
        first = (stop - 1) // L * L
        for t in range(stop - 1, first - 1, -1):
            d = t - t0
            step = y_bar[t - first]
            a_bar = step.ravel()
            rho = s[d].ravel()
            if t == T:
                clear(a_bar)
            elif form == RATE:
                r = drive[d].ravel() if drive.shape[0] > 0 else s[d + 1].ravel()
                activate_adjoint(a_bar, flat_gain, flat_h_bar, r, phi)  # (4*), (3*); h_bar_{t+1} is complete
            else:
                for k in range(n):
                    a_bar[k] = flat_gain[k] * flat_h_bar[k]  # (4c*)
                if vanishing:
                    vanishing_step(losses, back[t - first], s_bar, h_bar, step, rho, backward, flat_keep, flat_units, N, N + O, phi)
            if t > 0:
                for b in range(C):
                    for o in range(O):
                        step[b, N + o] = z_bar[t - 1, b, o]
            cut = truncate > 0 and 0 < t < T and t % truncate == 0
            if cut:  # only what is read from rho_t reaches it
                clear(flat_h_bar)
                clear(flat_s_bar)
                for b in range(C):
                    for o in range(O):
                        for i in range(N):
                            s_bar[b, i] += z_bar[t - 1, b, o] * P[N + o, i]  # (7*) without a_bar
            else:
                product(h_bar if direct else s_bar, step, backward, N + O, N + O, N)  # (7*), and (4*) with keep = 0
                if direct:
                    continue
            if penalised and t > 0:
                for k in range(n):
                    flat_s_bar[k] += flat_rate[k] * rho[k]  # (6*)
            if form == CURRENT:
                activate_adjoint(flat_rho_bar, flat_units, flat_s_bar, rho, phi)  # (2c*)
            incoming = flat_s_bar if form == RATE else flat_rho_bar
            for k in range(n):
                flat_h_bar[k] = incoming[k] + flat_keep[k] * flat_h_bar[k]  # (4*), (4c*)
        add_outer_products(P_bar, y_bar, s, (first - t0) * C, (stop - first) * C, N + O, N + I + 1)  # (7*)
        if vanishing:
            add_outer_products(omega_bar, y_bar, back, 0, (min(stop, T) - first) * C, N, N)  # (8*)
        stop = first


@kernel(FASTMATH)
def vanishing_step(losses, back, through, h_bar, a_bar, rho, backward, keep, units, N, K_packed, phi):
    """(8), (9) of one step: add to losses[2] and [3], and fill back (C, W) with what stands beside a_bar = gain g in (8*).
    through (C, W) is workspace."""
    C, W = back.shape
    g, flat_back, flat_through = h_bar.ravel(), back.ravel(), through.ravel()
    product(through, a_bar, backward, N, K_packed, N)
    activate_adjoint(flat_back, units, flat_through, rho, phi)
    for k in range(C * W):
        flat_back[k] += keep[k] * g[k]  # (8)
    for b in range(C):
        size, kept = 0.0, 0.0
        for i in range(N):
            size += h_bar[b, i] * h_bar[b, i]
            kept += back[b, i] * back[b, i]
        weight = back.dtype.type(0.0)
        if size >= 1e-20:
            apart = kept / size - 1.0
            losses[2] += apart * apart  # (9)
            losses[3] += 1
            weight = back.dtype.type(4.0 * apart / size)
        for i in range(W):
            through[b, i] = weight * back[b, i]  # (9*)
    activate_adjoint(flat_back, units, flat_through, rho, phi)  # (8*)


@kernel(FASTMATH)
def sum_of_squares(total, s, index, N, steps):
    """`total` and the sum of rho_{t+1}^2 (6) over these steps and the trials that are not empty, added one after the other."""
    for d in range(1, steps + 1):
        for b in range(len(index)):
            if index[b] >= 0:
                for i in range(N):
                    total += s[d, b, i] * s[d, b, i]  # (6)
    return total


@kernel(FASTMATH)
def sum_over_trials(h0_bar, h_bar):
    """h0_bar (N,) of h_bar (C, W) of step 0."""
    for i in range(len(h0_bar)):
        h0_bar[i] = 0.0
        for b in range(len(h_bar)):
            h0_bar[i] += h_bar[b, i]
