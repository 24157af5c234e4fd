#!/usr/bin/env python3
"""ToCo (ViT-B/16) at 448 outside this project: PyTorch eager and channels-last, fp32 and bf16, and, where they are
installed, ONNX Runtime and OpenVINO. Best time of a call with `THREADS` threads (2), its processor time (which other
processes on the machine disturb less), and the process's peak memory.

    toco_bench.py PART VARIANT      one part a process, for honest peaks: see toco_run
"""
import os
import resource
import sys
import tempfile
import time

import torch
import torch.nn.functional as F

from pvt_model import by_formula
from toco_model import golden_model

SIDE = 448
THREADS = int(os.environ.get("THREADS", "2"))
torch.set_num_threads(THREADS)


def report(name, call, repeats=6):
    call()
    best, least = 1e9, 1e9
    for _ in range(repeats):
        wall, processor = time.perf_counter(), time.process_time()
        call()
        best = min(best, time.perf_counter() - wall)
        least = min(least, time.process_time() - processor)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"TOCO {name:40s} {best * 1e3:8.1f} ms wall {least * 1e3:8.1f} ms cpu, peak {peak:6d} MiB", flush=True)


def prepared(variant):
    model = golden_model()
    kind = torch.bfloat16 if "bf16" in variant else torch.float32
    layout = torch.channels_last if "last" in variant else torch.contiguous_format
    return model.to(kind).to(memory_format=layout), lambda count, side: by_formula("any", (count, 3, side, side)).to(kind).contiguous(memory_format=layout)


def torch_inference(variant):
    model, images = prepared(variant)
    x = images(1, SIDE)
    with torch.inference_mode():
        report(f"torch 448 {variant}", lambda: model.probability(x))
        if "last" not in variant:
            report(f"torch multiscale 448 {variant}", lambda: model.multiscale(x), 2)


def torch_training(variant):
    """Classification, auxiliary and segmentation losses on two images of 224, AdamW."""
    model, x = golden_model(), by_formula("any", (2, 3, 224, 224))
    labels, masks = torch.zeros(2, 1), torch.zeros(2, 224, 224, dtype=torch.long)
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], 6e-5, weight_decay=0.01)

    def step():
        optimiser.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled="bf16" in variant):
            classes, auxiliary, logits = model(x)
        full = F.interpolate(logits.float(), (224, 224), mode="bilinear", align_corners=False)
        loss = F.multilabel_soft_margin_loss(classes.float(), labels) + F.multilabel_soft_margin_loss(auxiliary.float(), labels)
        loss = loss + 0.1 * F.cross_entropy(full, masks) + 0.1 * (1 - full.softmax(1)[:, 0].mean())
        loss.backward()
        optimiser.step()

    report(f"torch step 2 x 224 {variant}", step, 4)


def exported(folder):
    model = golden_model()
    model.forward = model.probability
    path = os.path.join(folder, "toco.onnx")
    torch.onnx.export(model, (by_formula("any", (1, 3, SIDE, SIDE)),), path, dynamo=True, external_data=False, verbose=False)
    return path


def onnxruntime_inference(_):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    with tempfile.TemporaryDirectory() as folder:
        session = onnxruntime.InferenceSession(exported(folder), options, providers=["CPUExecutionProvider"])
    name, x = session.get_inputs()[0].name, by_formula("any", (1, 3, SIDE, SIDE)).numpy()
    report("onnxruntime 448 fp32", lambda: session.run(None, {name: x}))


def openvino_inference(variant):
    import openvino

    with tempfile.TemporaryDirectory() as folder:
        model = openvino.convert_model(exported(folder))
    kind = openvino.Type.bf16 if variant == "bf16" else openvino.Type.f32
    compiled = openvino.compile_model(
        model, "CPU",
        {"INFERENCE_PRECISION_HINT": kind, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": THREADS})
    request, x = compiled.create_infer_request(), by_formula("any", (1, 3, SIDE, SIDE)).numpy()
    report(f"openvino 448 {variant}", lambda: request.infer([x]))


PARTS = {"torch": torch_inference, "training": torch_training, "onnxruntime": onnxruntime_inference, "openvino": openvino_inference}

if __name__ == "__main__":
    PARTS[sys.argv[1]](sys.argv[2] if len(sys.argv) > 2 else "")
