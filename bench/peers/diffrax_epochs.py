"""Trains a case with diffrax: `python diffrax_epochs.py <stem> <threads>`. Needs jax, diffrax, optax, numpy."""

import os
from importlib.metadata import version

from peer_case import arguments, read_case, time_epochs

stem, threads = arguments()
# XLA takes as many threads as the process has cores.
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:threads]))

import diffrax
import jax
import jax.numpy as jnp
import optax

case, weights, path, labels, (P, H, direction) = read_case(stem)
p = {name: jnp.array(value) for name, value in weights.items()}
optimiser = optax.adamw(case["learningRate"], weight_decay=case["weightDecay"])
state = optimiser.init(p)
paths, targets = jnp.array(path), jnp.array(labels)
knots = jnp.arange(path.shape[1], dtype=jnp.float32)


def logits(p, X):
    def field(_, z, args):
        inner = jnp.tanh(z @ p["innerWeight"] + p["innerBias"])
        return jnp.tanh(inner @ p["outerWeight"] + p["outerBias"]).reshape(P, H).T

    term = diffrax.ControlTerm(field, diffrax.LinearInterpolation(knots, X))
    z = diffrax.diffeqsolve(
        term, diffrax.Euler(), knots[0], knots[-1], 1.0, X[0] @ p["initialWeight"] + p["initialBias"],
        max_steps=len(knots) - 1,
    ).ys[-1]
    seen = jnp.concatenate([z, X[-1]])
    layer = jnp.tanh(
        jnp.concatenate([seen, seen * jnp.sign(X[-1, direction])]) @ p["readoutWeight"] + p["readoutBias"]
    )
    return layer @ p["logitWeight"] + p["logitBias"]


@jax.jit
def train(p, state, X, y):
    def loss_of(p):
        return optax.softmax_cross_entropy_with_integer_labels(jax.vmap(logits, (None, 0))(p, X), y).mean()

    loss, gradient = jax.value_and_grad(loss_of)(p)
    updates, state = optimiser.update(gradient, state, p)
    return optax.apply_updates(p, updates), state, loss


def step(first, last):
    global p, state
    p, state, loss = train(p, state, paths[first:last], targets[first:last])
    return float(loss)


time_epochs(case, step, {name: version(name) for name in ("jax", "diffrax", "optax")})
