"""PyTorch: a leaky loop (leak 1 here, known at run time only) and its backward pass compiled by torch.compile, Adam fused.

A compiled graph holds every step of a block of the sequence; one of all steps compiles for minutes.
"""

from protocol import BETA1, BETA2, EPS, LR, serve

import torch

MOST_STEPS = 10  # of a block


def make(weights, T, B, threads):
    torch.set_num_threads(threads)
    theta = {name: torch.from_numpy(array.copy()).requires_grad_() for name, array in weights.items()}
    W_in, W_rec, W_out, b_out = (theta[name] for name in ("W_in", "W_rec", "W_out", "b_out"))
    dtype = W_rec.dtype
    leak = torch.ones((), dtype=dtype)
    start = torch.zeros(B, len(W_rec), dtype=dtype)
    adam = torch.optim.Adam(theta.values(), lr=LR, betas=(BETA1, BETA2), eps=EPS, fused=True)
    mse = torch.nn.functional.mse_loss
    steps = next(k for k in range(min(MOST_STEPS, T), 0, -1) if T % k == 0)
    torch._dynamo.reset()

    @torch.compile(dynamic=False, fullgraph=True)
    def block(h, drive, W_rec, leak):
        states = []
        for u in drive.unbind(0):
            h = (1 - leak) * h + leak * torch.tanh(torch.addmm(u, h, W_rec.t()))
            states.append(h)
        return h, torch.stack(states)

    def put(x, target):
        return torch.from_numpy(x).to(dtype), torch.from_numpy(target).to(dtype)

    def update(x, target):
        adam.zero_grad(set_to_none=True)
        h, states = start, []
        for drive in (x @ W_in.t()).split(steps):
            h, found = block(h, drive, W_rec, leak)
            states.append(found)
        loss = mse(torch.cat(states) @ W_out.t() + b_out, target)
        loss.backward()
        adam.step()
        return loss.item()

    return put, update


if __name__ == "__main__":
    serve(make)
