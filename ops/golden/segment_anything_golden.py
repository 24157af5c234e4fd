"""Reference outputs of Segment Anything in the layout of ../shared/golden, by the package `segment-anything` itself:
weights and inputs by the golden formula, fp32, on the CPU. See `run`."""
import argparse
import os
import sys
import time
import types

import numpy
import torch
from safetensors.numpy import load_file, save_file

ROWS = 1 << 22  # numbers of a tensor that are made at a time


def package():
    """The package without torchvision, which PyTorch from PyPI does not fit: only its resizing of 8-bit images needs it, and
    inputs here are made at the encoder's size."""
    names = ["torchvision", "torchvision.transforms", "torchvision.transforms.functional", "torchvision.ops", "torchvision.ops.boxes"]
    for name in names:
        sys.modules.setdefault(name, types.ModuleType(name))
    for name in ("resize", "to_pil_image"):
        setattr(sys.modules["torchvision.transforms.functional"], name, None)
    for name in ("batched_nms", "box_area"):
        setattr(sys.modules["torchvision.ops.boxes"], name, None)
    import segment_anything

    return segment_anything


def uniform(name, count):
    """golden/README.md: FNV-1a of the name, SplitMix64 from there, upper 24 bits to [-1, 1)."""
    key = 0xCBF29CE484222325
    for byte in name.encode():
        key = ((key ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    made = numpy.empty(count)
    for first in range(0, count, ROWS):
        index = numpy.arange(first + 1, min(first + ROWS, count) + 1, dtype=numpy.uint64)
        with numpy.errstate(over="ignore"):
            z = numpy.uint64(key) + index * numpy.uint64(0x9E3779B97F4A7C15)
            z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
            z ^= z >> numpy.uint64(31)
        made[first : first + len(index)] = (z >> numpy.uint64(40)).astype(numpy.float64) * 2.0**-23 - 1
    return made


def weight(name, shape):
    last, count = name.split(".")[-1], int(numpy.prod(shape))
    u = uniform(name, count)
    if last == "bias":
        u *= 0.1
    elif last == "weight":
        u = 1 + 0.1 * u if len(shape) == 1 else u * numpy.sqrt(3 / numpy.prod(shape[1:]))
    else:
        u *= 0.5
    return torch.from_numpy(u.astype(numpy.float32).reshape(shape))


def subset(x, k):
    x = x.reshape(-1)
    return x[:: max(1, len(x) // k)][:k].clone()


@torch.no_grad()
def outputs(kind, name):
    network = package().sam_model_registry[kind]().eval()
    for key, tensor in network.state_dict().items():
        tensor.copy_(weight(key, tuple(tensor.shape)))
    image = torch.from_numpy((2 * uniform(f"input.{name}", 3 * 1024 * 1024)).astype(numpy.float32).reshape(1, 3, 1024, 1024))
    start = time.perf_counter()
    embedding = network.image_encoder(image)
    print(f"{name}: {sum(p.numel() for p in network.parameters()) / 1e6:.0f} million parameters, embedded in {time.perf_counter() - start:.1f} s", flush=True)
    positions = network.prompt_encoder.get_dense_pe()
    size = torch.tensor([embedding.mean(), embedding.std(), embedding.abs().max(), embedding.norm()])
    made = {"embedding.sub": subset(embedding, 8192), "embedding.stats": size, "dense_pe.sub": subset(positions, 4096)}
    prompts = {
        "box": dict(points=None, boxes=torch.tensor([[100.0, 150, 600, 700]]), masks=None),
        "point": dict(points=(torch.tensor([[[320.0, 410]]]), torch.tensor([[1]])), boxes=None, masks=None),
    }
    for prompt, content in prompts.items():
        sparse, dense = network.prompt_encoder(**content)
        made[f"{prompt}.sparse"] = sparse
        for many in (False, True):
            masks, quality = network.mask_decoder(
                image_embeddings=embedding, image_pe=positions, sparse_prompt_embeddings=sparse,
                dense_prompt_embeddings=dense, multimask_output=many)
            key = f"{prompt}.{'multi' if many else 'single'}"
            made[key + ".low_res"], made[key + ".iou"] = masks[:, :, ::2, ::2], quality
    return network, {key: value.contiguous().numpy() for key, value in made.items()}


def compared(made, path):
    """The greatest relative error against a golden file, whose maker is another."""
    golden = load_file(path)
    if set(golden) != set(made):
        raise SystemExit(f"{path} has other tensors: {sorted(set(golden) ^ set(made))}")
    return max(
        float(numpy.linalg.norm(golden[key].reshape(-1) - made[key].reshape(-1)) / numpy.linalg.norm(golden[key]))
        for key in golden)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    parser.add_argument("--compare", help="a folder of golden files: where it has the same one, both must agree")
    parser.add_argument("--checkpoints", action="store_true", help="the weights as well, as .pth in the official layout")
    parser.add_argument("kinds", nargs="*", default=["vit_b", "vit_l", "vit_h"])
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    for kind in options.kinds or ["vit_b", "vit_l", "vit_h"]:
        name = "sam_" + kind
        network, made = outputs(kind, name)
        known = options.compare and os.path.join(options.compare, name + ".safetensors")
        if known and os.path.exists(known):
            error = compared(made, known)
            print(f"{name}: differs from {known} by {error:.1e} at most", flush=True)
            if error > 5e-5:
                raise SystemExit(f"{name}: this is not what made {known}: nothing written")
        save_file(made, os.path.join(options.out, name + ".safetensors"))
        if options.checkpoints:
            torch.save(network.state_dict(), os.path.join(options.out, name + ".pth"))


if __name__ == "__main__":
    main()
