"""Polyp-PVT in plain PyTorch, with the names of the official checkpoint: a peer in `run`.

Written from docs/Method.md, section 5, and checked against ../shared/golden/polyp_pvt.safetensors by `pvt_model.py check`.
"""
import sys

import torch
import torch.nn.functional as F
from torch import nn

SIZES = {
    "b0": ((32, 64, 160, 256), (2, 2, 2, 2), (8, 8, 4, 4)),
    "b2": ((64, 128, 320, 512), (3, 4, 6, 3), (8, 8, 4, 4)),
}


class Depthwise(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.dwconv = nn.Conv2d(width, width, 3, padding=1, groups=width)

    def forward(self, tokens, grid):
        batch, _, width = tokens.shape
        image = tokens.transpose(1, 2).reshape(batch, width, *grid)
        return self.dwconv(image).flatten(2).transpose(1, 2)


class Mlp(nn.Module):
    def __init__(self, width, ratio):
        super().__init__()
        self.fc1 = nn.Linear(width, width * ratio)
        self.dwconv = Depthwise(width * ratio)
        self.fc2 = nn.Linear(width * ratio, width)

    def forward(self, tokens, grid):
        return self.fc2(F.gelu(self.dwconv(self.fc1(tokens), grid)))


class Attention(nn.Module):
    def __init__(self, width, heads, reduction):
        super().__init__()
        self.heads, self.reduction = heads, reduction
        self.q, self.kv, self.proj = nn.Linear(width, width), nn.Linear(width, 2 * width), nn.Linear(width, width)
        if reduction > 1:
            self.sr = nn.Conv2d(width, width, reduction, reduction)
            self.norm = nn.LayerNorm(width)

    def forward(self, tokens, grid):
        batch, count, width = tokens.shape
        query = self.q(tokens).view(batch, count, self.heads, -1).transpose(1, 2)
        seen = tokens
        if self.reduction > 1:
            image = tokens.transpose(1, 2).reshape(batch, width, *grid)
            seen = self.norm(self.sr(image).flatten(2).transpose(1, 2))
        key, value = self.kv(seen).view(batch, -1, 2, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(query, key, value)
        return self.proj(mixed.transpose(1, 2).reshape(batch, count, width))


class Block(nn.Module):
    def __init__(self, width, heads, ratio, reduction):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width, heads, reduction)
        self.mlp = Mlp(width, ratio)

    def forward(self, tokens, grid):
        tokens = tokens + self.attn(self.norm1(tokens), grid)
        return tokens + self.mlp(self.norm2(tokens), grid)


class PatchEmbedding(nn.Module):
    def __init__(self, inputs, width, kernel, stride):
        super().__init__()
        self.proj = nn.Conv2d(inputs, width, kernel, stride, kernel // 2)
        self.norm = nn.LayerNorm(width)

    def forward(self, image):
        image = self.proj(image)
        return self.norm(image.flatten(2).transpose(1, 2)), image.shape[2:]


class PVT(nn.Module):
    def __init__(self, size="b2"):
        super().__init__()
        widths, depths, ratios = SIZES[size]
        for stage in range(4):
            inputs = widths[stage - 1] if stage else 3
            embedding = PatchEmbedding(inputs, widths[stage], 3 if stage else 7, 2 if stage else 4)
            heads, reduction = (1, 2, 5, 8)[stage], (8, 4, 2, 1)[stage]
            blocks = [Block(widths[stage], heads, ratios[stage], reduction) for _ in range(depths[stage])]
            setattr(self, f"patch_embed{stage + 1}", embedding)
            setattr(self, f"block{stage + 1}", nn.ModuleList(blocks))
            setattr(self, f"norm{stage + 1}", nn.LayerNorm(widths[stage], eps=1e-6))

    def forward(self, image):
        stages = []
        for stage in "1234":
            tokens, grid = getattr(self, "patch_embed" + stage)(image)
            for block in getattr(self, "block" + stage):
                tokens = block(tokens, grid)
            tokens = getattr(self, "norm" + stage)(tokens)
            image = tokens.transpose(1, 2).reshape(len(image), -1, *grid)
            stages.append(image)
        return stages


class Normed(nn.Module):
    def __init__(self, inputs, outputs, kernel):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return self.bn(self.conv(x))


def doubled(x):
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)


class Fusion(nn.Module):
    def __init__(self, c):
        super().__init__()
        for i in range(1, 5):
            setattr(self, f"conv_upsample{i}", Normed(c, c, 3))
        self.conv_upsample5, self.conv_concat2 = Normed(2 * c, 2 * c, 3), Normed(2 * c, 2 * c, 3)
        self.conv_concat3, self.conv4 = Normed(3 * c, 3 * c, 3), Normed(3 * c, c, 3)

    def forward(self, deep, middle, shallow):
        twice = doubled(deep)
        joined = self.conv_concat2(torch.cat((self.conv_upsample1(twice) * middle, self.conv_upsample4(twice)), 1))
        fine = self.conv_upsample2(doubled(twice)) * self.conv_upsample3(doubled(middle)) * shallow
        return self.conv4(self.conv_concat3(torch.cat((fine, self.conv_upsample5(doubled(joined))), 1)))


class ChannelGate(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.fc1, self.fc2 = nn.Conv2d(c, c // 16, 1, bias=False), nn.Conv2d(c // 16, c, 1, bias=False)

    def forward(self, x):
        return torch.sigmoid(
            sum(self.fc2(F.relu(self.fc1(pool(x, 1)))) for pool in (F.adaptive_avg_pool2d, F.adaptive_max_pool2d)))


class PixelGate(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, x):
        return torch.sigmoid(self.conv1(torch.cat((x.mean(1, keepdim=True), x.amax(1, keepdim=True)), 1)))


class GraphConvolution(nn.Module):
    def __init__(self, states, nodes):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv1d(nodes, nodes, 1), nn.Conv1d(states, states, 1, bias=False)

    def forward(self, x):
        return F.relu(self.conv2(self.conv1(x.transpose(1, 2)).transpose(1, 2) - x))


class Aggregation(nn.Module):
    def __init__(self, c, states=16, side=4):
        super().__init__()
        self.states, self.side = states, side
        self.conv_state, self.conv_proj = nn.Conv2d(c, states, 1), nn.Conv2d(c, states, 1)
        self.gcn = GraphConvolution(states, side * side)
        self.conv_extend = nn.Conv2d(states, c, 1, bias=False)

    def forward(self, x, edge):
        edge = F.interpolate(edge, x.shape[2:]).softmax(1)[:, 1:2]
        state, projected = self.conv_state(x).flatten(2), self.conv_proj(x)
        nodes = F.adaptive_avg_pool2d(projected * edge, self.side + 2)[:, :, 1:-1, 1:-1].flatten(2)
        shares = (nodes.transpose(1, 2) @ projected.flatten(2)).softmax(1)
        relations = self.gcn(state @ shares.transpose(1, 2))
        return x + self.conv_extend((relations @ shares).unflatten(2, x.shape[2:]))


class PolypPVT(nn.Module):
    def __init__(self, size="b2", c=32):
        super().__init__()
        widths = SIZES[size][0]
        self.backbone = PVT(size)
        self.Translayer2_0, self.Translayer2_1 = Normed(widths[0], c, 1), Normed(widths[1], c, 1)
        self.Translayer3_1, self.Translayer4_1 = Normed(widths[2], c, 1), Normed(widths[3], c, 1)
        self.CFM, self.ca, self.sa, self.SAM = Fusion(c), ChannelGate(widths[0]), PixelGate(), Aggregation(c)
        self.out_SAM, self.out_CFM = nn.Conv2d(c, 1, 1), nn.Conv2d(c, 1, 1)

    def forward(self, image):
        x1, x2, x3, x4 = self.backbone(image)
        x1 = self.ca(x1) * x1
        x1 = self.sa(x1) * x1
        fused = self.CFM(self.Translayer4_1(x4), self.Translayer3_1(x3), self.Translayer2_1(x2))
        edge = F.interpolate(self.Translayer2_0(x1), scale_factor=0.5, mode="bilinear", align_corners=True)
        outputs = self.out_CFM(fused), self.out_SAM(self.SAM(fused, edge))
        return tuple(F.interpolate(p, scale_factor=8, mode="bilinear", align_corners=False) for p in outputs)


def structure_loss(logits, mask):
    weights = 1 + 5 * (F.avg_pool2d(mask, 31, 1, 15) - mask).abs()
    entropy = F.binary_cross_entropy_with_logits(logits, mask, reduction="none")
    entropy = (weights * entropy).sum((2, 3)) / weights.sum((2, 3))
    shares = logits.sigmoid()
    common, total = (shares * mask * weights).sum((2, 3)), ((shares + mask) * weights).sum((2, 3))
    return (entropy + 1 - (common + 1) / (total - common + 1)).mean()


def by_formula(name, shape):
    """The weights of ../shared/golden/README.md."""
    import numpy

    key = 0xCBF29CE484222325
    for byte in name.encode():
        key = (key ^ byte) * 0x100000001B3 % 2**64
    count = int(numpy.prod(shape))
    with numpy.errstate(over="ignore"):
        z = numpy.uint64(key) + numpy.arange(1, count + 1, dtype=numpy.uint64) * numpy.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
        z = z ^ (z >> numpy.uint64(31))
    u = (z >> numpy.uint64(40)).astype(numpy.float64) * 2.0**-23 - 1
    last = name.split(".")[-1]
    if last == "running_var":
        u = 1 + 0.5 * abs(u)
    elif last in ("running_mean", "bias"):
        u = 0.1 * u
    elif last == "num_batches_tracked":
        u = 0 * u
    elif last == "weight":
        u = 1 + 0.1 * u if len(shape) == 1 else u * (3 / numpy.prod(shape[1:])) ** 0.5
    elif name.startswith("input."):
        u = 2 * u
    else:
        u = 0.5 * u
    return torch.from_numpy(u.reshape(shape).astype(numpy.float32))


def golden_model(size="b2"):
    model = PolypPVT(size).eval()
    state = {name: by_formula(name, tuple(value.shape)).to(value.dtype) for name, value in model.state_dict().items()}
    model.load_state_dict(state)
    return model


def check(path="../shared/golden/polyp_pvt.safetensors"):
    from safetensors.torch import load_file

    golden, model = load_file(path), golden_model()
    for size in (224, 352):
        with torch.no_grad():
            outputs = model(by_formula(f"input.polyp_pvt.{size}", (1, 3, size, size)))
        for name, mine in zip(("p1", "p2"), outputs):
            theirs = golden[f"{size}.{name}"]
            print(size, name, "relative error", float((mine - theirs).norm() / theirs.norm()))
    model.train()
    mask = (by_formula("input.polyp_pvt.mask", (2, 1, 128, 128)) > 0.6).float()
    loss = sum(structure_loss(p, mask) for p in model(by_formula("input.polyp_pvt.train", (2, 3, 128, 128))))
    loss.backward()
    print("loss", float(loss), "golden", float(golden["train.loss"]))
    worst = max(
        (abs(float(p.grad.norm()) / float(golden["train.grad_norm." + name]) - 1), name)
        for name, p in model.named_parameters()
        if float(golden["train.grad_norm." + name]) > 1e-6)
    print("worst gradient norm", worst)


if __name__ == "__main__" and sys.argv[1:2] == ["check"]:
    check(*sys.argv[2:])
