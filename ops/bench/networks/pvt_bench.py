#!/usr/bin/env python3
"""Polyp-PVT (PVTv2-B2) at 352 outside this project: PyTorch eager and channels-last, fp32 and bf16, and, where they are
installed, ONNX Runtime and OpenVINO. Best and median time of a call with all cores, its processor time, and the
process's peak memory.

    pvt_bench.py [torch|onnxruntime|openvino|training ...]      one part a process, for honest peaks: see pvt_run
"""
import os
import resource
import sys
import tempfile
import time

import torch

# As many as ENDOKED_BENCH_THREADS says, or all cores.
THREADS = int(os.environ.get("ENDOKED_BENCH_THREADS", os.cpu_count()))
torch.set_num_threads(THREADS)

from pvt_model import by_formula, golden_model, structure_loss

SIDE = 352


def report(name, call, repeats=12):
    call()
    times, work = [], []
    for _ in range(repeats):
        start, busy = time.perf_counter(), time.process_time()
        call()
        times.append((time.perf_counter() - start) * 1e3)
        work.append((time.process_time() - busy) * 1e3)
    times.sort()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"PVT {name:44s} best {times[0]:8.1f} ms, median {times[len(times) // 2]:8.1f} ms, "
        f"least processor time {min(work):8.1f} ms, peak {peak:6d} MiB", flush=True)


def images(count):
    return by_formula("any", (count, 3, SIDE, SIDE)) * 4


def torch_inference(variant):
    model = golden_model().requires_grad_(False)
    kind = torch.bfloat16 if "bf16" in variant else torch.float32
    layout = torch.channels_last if "last" in variant else torch.contiguous_format
    model, x = model.to(kind).to(memory_format=layout), images(1).to(kind).contiguous(memory_format=layout)
    with torch.inference_mode():
        report(f"torch inference {variant}", lambda: model(x))


def torch_training(variant):
    model = golden_model().train()
    layout = torch.channels_last if "last" in variant else torch.contiguous_format
    model, x = model.to(memory_format=layout), images(2).contiguous(memory_format=layout)
    mask = (by_formula("mask", (2, 1, SIDE, SIDE)) > 0.15).float()
    optimiser = torch.optim.AdamW(model.parameters(), 1e-4, weight_decay=1e-4)

    def step():
        optimiser.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled="bf16" in variant):
            outputs = model(x)
        loss = sum(structure_loss(p.float(), mask) for p in outputs)
        loss.backward()
        torch.nn.utils.clip_grad_value_(model.parameters(), 0.5)
        optimiser.step()

    report(f"torch training x 2 {variant}", step, 6)


def exported(folder):
    path = os.path.join(folder, "pvt.onnx")
    torch.onnx.export(golden_model(), (images(1),), path, dynamo=True, external_data=False, verbose=False)
    return path


def onnxruntime_inference(_):
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        session = onnxruntime.InferenceSession(exported(folder), options, providers=["CPUExecutionProvider"])
    name, x = session.get_inputs()[0].name, images(1).numpy()
    report("onnxruntime inference fp32", lambda: session.run(None, {name: x}))


def openvino_inference(variant):
    import openvino

    with tempfile.TemporaryDirectory() as folder:
        model = openvino.convert_model(exported(folder))
    kind = openvino.Type.bf16 if variant == "bf16" else openvino.Type.f32
    compiled = openvino.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": kind, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": THREADS})
    request, x = compiled.create_infer_request(), images(1).numpy()
    report(f"openvino inference {variant}", lambda: request.infer([x]))


PARTS = {"torch": torch_inference, "training": torch_training, "onnxruntime": onnxruntime_inference, "openvino": openvino_inference}

if __name__ == "__main__":
    PARTS[sys.argv[1]](sys.argv[2] if len(sys.argv) > 2 else "")
