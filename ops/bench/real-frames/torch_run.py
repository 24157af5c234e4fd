"""The same training in PyTorch: same network, images, augmentation, batch, loss, optimiser and schedule, one process
over both centres, one thread, until it has used as much processor time as the cluster did.

    torch_run.py ARCHIVE SECONDS OUT [fp32|bf16]

Writes its predictions for the test images as OUT/segments/CENTRE/STUDY/IMAGE.png, and how far it came.
"""
import json
import math
import random
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "networks"))
from pvt_model import PolypPVT, structure_loss  # noqa: E402

SIDE, BATCH, RATE, DECAY, LIMIT, WARM_UP, LAST = 192, 8, 5e-4, 1e-4, 0.5, 0.05, 0.05
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
DEVIATION = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)


def items(archive, split):
    for reports in sorted(archive.glob("*/reports.jsonl")):
        for line in reports.read_text().splitlines():
            row = json.loads(line)
            if row["split"] == split:
                for image in sorted((reports.parent / "studies" / row["study"]).iterdir()):
                    yield image, reports.parent / "truth" / row["study"] / f"{image.stem}.png"


def image_of(path):
    picture = Image.open(path).convert("RGB").resize((SIDE, SIDE), Image.BILINEAR)
    return (torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255 - MEAN) / DEVIATION


def mask_of(path):
    picture = Image.open(path).convert("L").resize((SIDE, SIDE), Image.BILINEAR)
    return torch.from_numpy(np.array(picture)).float()[None] / 255


def moved(image, mask, draw):
    """A rotation by up to 90° either way to the nearest pixel, black outside, then flips."""
    angle = math.radians(draw.uniform(-90, 90))
    turn = torch.tensor([[math.cos(angle), -math.sin(angle), 0.0], [math.sin(angle), math.cos(angle), 0.0]])[None]
    grid = F.affine_grid(turn, (1, 1, SIDE, SIDE), align_corners=False)
    black = -MEAN / DEVIATION
    image = F.grid_sample((image - black)[None], grid, mode="nearest", align_corners=False)[0] + black
    mask = F.grid_sample(mask[None], grid, mode="nearest", align_corners=False)[0]
    flips = [axis for axis in (1, 2) if draw.random() < 0.5]
    return (image.flip(flips), mask.flip(flips)) if flips else (image, mask)


def rate(place):
    wave = 0.5 * (1 + math.cos(math.pi * min(1, place)))
    return RATE * min(min(1, place / WARM_UP), LAST + (1 - LAST) * wave)


def main(archive, seconds, out, precision):
    torch.set_num_threads(1)
    torch.manual_seed(11)
    draw = random.Random(11)
    began = time.process_time()
    pairs = [(image_of(image), mask_of(mask)) for image, mask in items(archive, "train")]
    network = PolypPVT("b0").train().to(memory_format=torch.channels_last)
    # The backbone starts as PVTv2's own code starts it, and as ours does.
    for module in network.backbone.modules():
        if isinstance(module, torch.nn.Linear):
            torch.nn.init.trunc_normal_(module.weight, std=0.02)
            torch.nn.init.zeros_(module.bias)
        elif isinstance(module, torch.nn.Conv2d):
            fan = module.kernel_size[0] * module.kernel_size[1] * module.out_channels // module.groups
            torch.nn.init.normal_(module.weight, 0, math.sqrt(2 / fan))
            torch.nn.init.zeros_(module.bias)
    optimiser = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY)
    steps, images, losses = 0, 0, []
    while True:
        order = draw.sample(range(len(pairs)), len(pairs))
        parts = math.ceil(len(order) / BATCH)
        for part in range(parts):
            place = (time.process_time() - began) / seconds
            if place >= 1:
                break
            batch = [moved(*pairs[i], draw) for i in order[len(order) * part // parts:len(order) * (part + 1) // parts]]
            x = torch.stack([image for image, _ in batch]).contiguous(memory_format=torch.channels_last)
            y = torch.stack([mask for _, mask in batch])
            for group in optimiser.param_groups:
                group["lr"] = rate(place)
            optimiser.zero_grad(set_to_none=True)
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
                first, second = network(x)
            loss = structure_loss(first.float(), y) + structure_loss(second.float(), y)
            loss.backward()
            torch.nn.utils.clip_grad_value_(network.parameters(), LIMIT)
            optimiser.step()
            steps, images = steps + 1, images + len(batch)
            losses.append(loss.item())
        else:
            continue
        break
    print(f"PyTorch {precision}: {steps} steps, {images / len(pairs):.1f} epochs of {len(pairs)} images "
          f"in {time.process_time() - began:.0f} s of processor time; last losses {np.mean(losses[-50:]):.3f}")
    network.eval()
    with torch.no_grad():
        for image, _ in items(archive, "test"):
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
                first, second = network(image_of(image)[None])
            width, height = Image.open(image).size
            map = F.interpolate((first + second).float(), (height, width), mode="bilinear", align_corners=False).sigmoid()[0, 0]
            map = (map - map.min()) / (map.max() - map.min() + 1e-8)
            target = out / "segments" / image.parts[-4] / image.parts[-2] / f"{image.stem}.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray((map * 255).round().byte().numpy()).save(target)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3]), sys.argv[4] if len(sys.argv) > 4 else "bf16")
