"""The peer of `mil-score`: the same job written in PyTorch, on the same files.

JPEG in, Pillow bilinear to SIZE×SIZE, normalised, ResNet-18 and the three MIL heads. Prints one JSON line a mode:
images a second over all images, decoding included (a loader process runs ahead, as a PyTorch user would have it).

usage: pytorch_peer.py LIST SIZE [MODE …]     LIST: a text file with one `bag<TAB>path` a line; modes: fp32, bf16, bf16-compile
"""
import json, os, sys, time

for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)

import numpy as np
import torch
from PIL import Image
from torch import nn

MEAN, STD = (0.47404, 0.29778, 0.18896), (0.27689, 0.20880, 0.16107)


class Block(nn.Module):
    def __init__(self, inner, outer, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inner, outer, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outer)
        self.conv2 = nn.Conv2d(outer, outer, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outer)
        self.skip = None
        if stride != 1 or inner != outer:
            self.skip = nn.Sequential(nn.Conv2d(inner, outer, 1, stride, bias=False), nn.BatchNorm2d(outer))

    def forward(self, x):
        y = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(y)) + (x if self.skip is None else self.skip(x)))


class Scorer(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        blocks, inner = [], 64
        for outer, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
            blocks += [Block(inner, outer, stride), Block(outer, outer, 1)]
            inner = outer
        self.blocks = nn.Sequential(*blocks)
        self.teacher = nn.Sequential(nn.Linear(512, 1024), nn.BatchNorm1d(1024), nn.ReLU(), nn.Linear(1024, 1024), nn.BatchNorm1d(1024), nn.ReLU())
        self.attention = nn.Sequential(nn.Linear(1024, 512), nn.Tanh(), nn.Linear(512, 1))
        self.instance = nn.Sequential(nn.Linear(512, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU())
        self.fc, self.q, self.v = nn.Linear(1024, 2), nn.Linear(1024, 1024), nn.Linear(1024, 1024)
        self.fcc = nn.Conv1d(2, 2, 1024)
        self.student = nn.Sequential(nn.Linear(512, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 2))

    def forward(self, images):
        f = self.blocks(self.stem(images)).mean((2, 3))
        a = self.attention(self.teacher(f))
        h = self.instance(f)
        c, q, v = self.fc(h), self.q(h), self.v(h)
        critical = q[c.argmax(0)]
        weights = torch.softmax(q @ critical.T / 32.0, 0)
        bag = self.fcc((weights.T @ v)[None])
        return a, torch.softmax(c, 1), torch.softmax(bag, 1), torch.softmax(self.student(f), 1)


class Bags(torch.utils.data.Dataset):
    def __init__(self, listing, size):
        bags = {}
        for line in open(listing):
            bag, path = line.rstrip("\n").split("\t")
            bags.setdefault(bag, []).append(path)
        self.bags, self.size = list(bags.values()), size

    def __len__(self):
        return len(self.bags)

    def __getitem__(self, index):
        out = []
        for path in self.bags[index]:
            image = Image.open(path).convert("RGB").resize((self.size, self.size), Image.BILINEAR)
            out.append(torch.from_numpy(np.array(image)))
        return torch.stack(out)


def main():
    listing, size = sys.argv[1], int(sys.argv[2])
    modes = sys.argv[3:] or ["fp32", "bf16"]
    data = Bags(listing, size)
    mean, std = torch.tensor(MEAN).view(1, 3, 1, 1), torch.tensor(STD).view(1, 3, 1, 1)
    for mode in modes:
        torch.manual_seed(0)
        model = Scorer().eval()
        kind = torch.float32
        if mode.startswith("bf16"):
            model, kind = model.to(torch.bfloat16), torch.bfloat16
        if mode != "fp32":
            model = model.to(memory_format=torch.channels_last)
        if mode.endswith("compile"):
            model = torch.compile(model)

        def score(images):
            x = ((images.permute(0, 3, 1, 2).float() / 255 - mean) / std).to(kind)
            if mode != "fp32":
                x = x.contiguous(memory_format=torch.channels_last)
            return model(x)

        with torch.inference_mode():
            score(data[0])
            loader = torch.utils.data.DataLoader(data, batch_size=None, num_workers=1, prefetch_factor=4)
            start, count = time.perf_counter(), 0
            for images in loader:
                score(images)
                count += len(images)
            seconds = time.perf_counter() - start
        print(json.dumps({"peer": "pytorch " + torch.__version__, "mode": mode, "images": count, "images_per_second": count / seconds}), flush=True)


main()
