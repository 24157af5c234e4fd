#!/usr/bin/env python3
"""One embedding of Segment Anything or MobileSAM in PyTorch: time, processor time and peak memory of the process.

    sam_torch.py vitB|mobile float32|bfloat16 THREADS REPEATS [eager|channels_last|compile]
"""
import sys
import time

import torch

from sam_modules import ImageEncoder, TinyViT


def peak_megabytes():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


def main():
    name, precision, threads, repeats = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    how = sys.argv[5] if len(sys.argv) > 5 else "eager"
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
    encoder = (TinyViT() if name == "mobile" else ImageEncoder()).eval().to(dtype)
    image = torch.rand(1, 3, 1024, 1024, dtype=dtype)
    if how == "channels_last":
        encoder, image = encoder.to(memory_format=torch.channels_last), image.to(memory_format=torch.channels_last)
    run = torch.compile(encoder) if how == "compile" else encoder
    best = best_processor = float("inf")
    with torch.inference_mode():
        for _ in range(repeats + 1):
            start, processor = time.perf_counter(), time.process_time()
            run(image)
            best = min(best, time.perf_counter() - start)
            best_processor = min(best_processor, time.process_time() - processor)
    print(
        f"BENCH PyTorch {torch.__version__} {how} {name} {precision} {threads} threads: embedding {best * 1e3:.0f} ms "
        f"({best_processor * 1e3:.0f} ms of processor time), peak {peak_megabytes():.0f} MB")


main()
