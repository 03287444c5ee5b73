"""
Runs every kind of graph that millrace writes through the official ONNX checker, through Python's onnxruntime with and
without its optimisations, and through ONNX's own evaluator, which defines what an operator means.

    python -m venv venv && venv/bin/pip install onnx onnxruntime
    venv/bin/python test/peers/onnx_graphs.py

Writes test/models/onnx/fixtures/graphs.json: for each graph of test/peers/write-onnx-cases.ts its sha256 and what
Python's onnxruntime says of its seeded inputs. The test beside the fixture writes the same graphs again, so that the
checker's verdict holds for the very bytes that it sees.

    venv/bin/python test/peers/onnx_graphs.py --registry var/models

looks at the checkpoints of a registry instead: every graph through the checker, and the windows of every version's
self-check through the window's graph and, knot by knot, through the streaming step. Ends with 1 if anything differs.
"""

import argparse
import hashlib
import json
import platform
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx.reference import ReferenceEvaluator

ROOT = Path(__file__).parents[2]
FIXTURE = ROOT / "test/models/onnx/fixtures/graphs.json"
# Against an unoptimised session and ONNX's own reference, relative to numbers above 1.
TOLERANCE = 3e-6
# What a checkpoint may differ by from the model that was trained: PARITY_TOLERANCE of models/onnx/parity.ts.
PARITY_TOLERANCE = 1e-5


def check(data):
    """The official checker, with shapes and types inferred strictly for every node."""
    model = onnx.load_from_string(data)
    onnx.checker.check_model(model, full_check=True)
    return model


def session_of(data, optimise=True):
    options = onnxruntime.SessionOptions()
    if not optimise:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def array(values, dims):
    return np.array([np.nan if v is None else v for v in values], dtype=np.float32).reshape(dims)


def difference(expected, actual):
    """Largest difference, relative where numbers are above 1; NaN anywhere counts as infinite."""
    worst = 0.0
    for a, b in zip(expected, actual, strict=True):
        assert a.shape == b.shape, f"shapes {a.shape} and {b.shape}"
        distance = np.abs(a - b) / np.maximum(1, np.abs(a))
        worst = max(worst, float(np.max(np.where(np.isnan(distance), np.inf, distance), initial=0)))
    return worst


def scanning_first_axis(model):
    """The same graph with every `Scan` over the first axis, the only one that ONNX's own evaluator has implemented."""
    model = onnx.shape_inference.infer_shapes(model)
    ranks = {v.name: len(v.type.tensor_type.shape.dim) for v in [*model.graph.value_info, *model.graph.input]}
    nodes = []
    for node in model.graph.node:
        axes = next((a for a in node.attribute if a.name == "scan_input_axes"), None) if node.op_type == "Scan" else None
        states = len(node.input) - len(axes.ints) if axes else 0
        for i, axis in enumerate(axes.ints if axes else []):
            name = node.input[states + i]
            order = [axis, *(d for d in range(ranks[name]) if d != axis)]
            nodes.append(onnx.helper.make_node("Transpose", [name], [f"{name}_moved"], perm=order))
            node.input[states + i], axes.ints[i] = f"{name}_moved", 0
        nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def examine(data, facts):
    assert hashlib.sha256(data).hexdigest() == facts["sha256"], facts["name"]
    model = check(data)
    session, plain = session_of(data), session_of(data, optimise=False)
    names = [output.name for output in session.get_outputs()]
    # ONNX's own evaluator cannot run a Scan backwards, which only the training graph has.
    backwards = facts["writer"] == "writeTrainingGraph"
    evaluator = None if backwards else ReferenceEvaluator(scanning_first_axis(model))
    outputs, unoptimised, reference = [], 0.0, 0.0
    for run in facts["runs"]:
        feeds = {name: array(given["values"], given["dims"]) for name, given in run.items()}
        answer = session.run(None, feeds)
        unoptimised = max(unoptimised, difference(answer, plain.run(None, feeds)))
        if evaluator:
            reference = max(reference, difference(answer, evaluator.run(None, feeds)))
        outputs.append({name: [float(f"{x:.9g}") for x in values.ravel()] for name, values in zip(names, answer)})
    print(f"{facts['name']}: checked; unoptimised {unoptimised:.1e}, reference {'not asked' if backwards else f'{reference:.1e}'}")
    assert unoptimised < TOLERANCE and reference < TOLERANCE, facts["name"]
    return {**{key: facts[key] for key in ("name", "writer", "seed", "sha256", "inputs")}, "outputs": outputs}


def write_fixture():
    local = ROOT / "node_modules/.bin/node"
    node = str(local) if local.exists() else "node"
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([node, str(ROOT / "test/peers/write-onnx-cases.ts"), folder], check=True)
        cases = [
            examine(path.with_suffix(".onnx").read_bytes(), json.loads(path.read_text()))
            for path in sorted(Path(folder).glob("*.json"))
        ]
    versions = {"python": platform.python_version(), **{n: version(n) for n in ("onnx", "onnxruntime", "numpy")}}
    FIXTURE.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(case) for case in cases)
    head = f'{{"source": "test/peers/onnx_graphs.py", "versions": {json.dumps(versions)}'
    FIXTURE.write_text(f'{head}, "cases": [\n{lines}\n]}}\n')


def stream(session, windows):
    """Probabilities after the last knot when a window's knots go through the streaming step one by one."""
    count, knots, hours = windows["count"], windows["knots"], windows["hours"]
    state = np.zeros((count, session.get_inputs()[0].shape[1]), np.float32)
    for knot in range(knots):
        state, probabilities = session.run(["state_next", "probabilities"], {
            "state": state, "features": windows["features"][:, knot], "mask": windows["mask"][:, knot],
            "elapsed": np.zeros(count, np.float32) if knot == 0 else hours[:, knot] - hours[:, knot - 1],
            "first": np.full(count, knot == 0, np.float32),
        })
    return probabilities


def windows_of(facts):
    count, knots, channels = facts["count"], facts["knots"], len(facts["channels"])
    shapes = {"features": [count, knots, channels], "mask": [count, knots, channels], "hours": [count, knots]}
    return {"count": count, "knots": knots} | {name: array(facts[name], dims) for name, dims in shapes.items()}


def examine_version(folder):
    """A line that says how far the version's graphs are from its self-check."""
    facts = json.loads((folder / "selfcheck.json").read_text())
    windows, expected = windows_of(facts), array(facts["expected"], [facts["count"], 3])
    feeds = {name: windows[name] for name in ("features", "hours", "mask")}
    report = []
    for name in ("model.onnx", "step.onnx"):
        # A version saved before there were streaming steps has none.
        if name == "step.onnx" and not (folder / name).exists():
            continue
        data = (folder / name).read_bytes()
        check(data)
        session = session_of(data)
        answer = session.run(["probabilities"], feeds)[0] if name == "model.onnx" else stream(session, windows)
        distance = difference([expected], [answer])
        assert distance < PARITY_TOLERANCE, f"{name} differs from the self-check by {distance:.1e}"
        report.append(f"{name} {distance:.1e}")
    return ", ".join(report)


def examine_registry(root):
    folders = sorted(path.parent for path in root.glob("*/*/card.json"))
    if not folders:
        sys.exit(f"{root} holds no versions")
    failed = 0
    for folder in folders:
        try:
            print(f"{folder.relative_to(root)}: checked; {examine_version(folder)}")
        except Exception as error:  # The report goes on with the other versions, the exit status remembers.
            failed += 1
            print(f"{folder.relative_to(root)}: FAILED: {error}")
    sys.exit(1 if failed else 0)


parser = argparse.ArgumentParser()
parser.add_argument("--registry", type=Path)
registry = parser.parse_args().registry
examine_registry(registry) if registry else write_fixture()
