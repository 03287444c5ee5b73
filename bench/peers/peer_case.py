"""Reads what `bench/peers/case.ts` wrote; says what the programs beside it say."""

import json
import sys
import time
from pathlib import Path

import numpy as np


def read_case(stem):
    case = json.loads(Path(f"{stem}.json").read_text())
    numbers = np.fromfile(f"{stem}.f32", dtype=np.float32)
    parts, start = {}, 0
    for name in ("parameters", "initial", "increments", "final", "labels"):
        parts[name] = numbers[start : start + case["lengths"][name]]
        start += case["lengths"][name]
    a = case["architecture"]
    P, H, W, R, steps = 1 + len(a["channels"]), a["hidden"], a["width"], a["readout"], a["knots"] - 1
    shapes = {
        "initialWeight": (P, H), "initialBias": (H,), "innerWeight": (H, W), "innerBias": (W,),
        "outerWeight": (W, P * H), "outerBias": (P * H,), "readoutWeight": (2 * (H + P), R), "readoutBias": (R,),
        "logitWeight": (R, 3), "logitBias": (3,),
    }
    weights, start = {}, 0
    for name, shape in shapes.items():
        size = int(np.prod(shape))
        weights[name] = parts["parameters"][start : start + size].reshape(shape)
        start += size
    initial = parts["initial"].reshape(-1, P)
    increments = parts["increments"].reshape(-1, steps, P)
    path = np.concatenate([initial[:, None], initial[:, None] + np.cumsum(increments, axis=1)], axis=1)
    direction = 1 + a["channels"].index("return12")
    return case, weights, path, parts["labels"].astype(np.int64), (P, H, direction)


def say(what):
    print(json.dumps(what), flush=True)


def time_epochs(case, step, versions):
    """`step(first, last)` takes one optimiser step on these windows and returns the loss before it, as a float."""

    def epoch(tell):
        for start in range(0, case["windows"], case["batch"]):
            loss = step(start, min(start + case["batch"], case["windows"]))
            if tell and start == 0:
                say({"firstLoss": loss})
        return loss

    loss = epoch(True)
    seconds, cpu_seconds = [], []
    for _ in range(case["epochs"]):
        start, cpu = time.perf_counter(), time.process_time()
        loss = epoch(False)
        seconds.append(time.perf_counter() - start)
        cpu_seconds.append(time.process_time() - cpu)
    say({"seconds": seconds, "cpuSeconds": cpu_seconds, "lastLoss": loss, "versions": versions})


def arguments():
    return sys.argv[1], int(sys.argv[2])
