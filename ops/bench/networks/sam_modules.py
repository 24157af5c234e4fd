"""Segment Anything and MobileSAM as plain PyTorch modules: what the benchmark compares with, written for it.

Parameter names are those of the published checkpoints, so that `formula_weights` gives the golden network.
"""
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


class LayerNorm2d(nn.Module):
    """Over the channels of N,C,H,W."""

    def __init__(self, channels, eps=1e-6):
        super().__init__()
        self.weight, self.bias, self.eps = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels)), eps

    def forward(self, x):
        x = F.layer_norm(x.permute(0, 2, 3, 1), self.weight.shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)


def neck(width):
    return nn.Sequential(
        nn.Conv2d(width, 256, 1, bias=False), LayerNorm2d(256),
        nn.Conv2d(256, 256, 3, padding=1, bias=False), LayerNorm2d(256))


def windows(x, size):
    """B,H,W,C to B·n,size,size,C, padded with zeros after the last row and column."""
    b, h, w, c = x.shape
    x = F.pad(x, (0, 0, 0, -w % size, 0, -h % size))
    rows, columns = x.shape[1] // size, x.shape[2] // size
    return x.view(b, rows, size, columns, size, c).transpose(2, 3).reshape(-1, size, size, c)


def unwindowed(x, size, b, h, w):
    rows, columns = -(-h // size), -(-w // size)
    x = x.view(b, rows, columns, size, size, -1).transpose(2, 3).reshape(b, rows * size, columns * size, -1)
    return x[:, :h, :w]


class Mlp(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.lin1, self.lin2 = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x):
        return self.lin2(F.gelu(self.lin1(x)))


class RelativeAttention(nn.Module):
    def __init__(self, width, heads, extent):
        super().__init__()
        self.heads, self.extent = heads, extent
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.rel_pos_h = nn.Parameter(torch.zeros(2 * extent - 1, width // heads))
        self.rel_pos_w = nn.Parameter(torch.zeros(2 * extent - 1, width // heads))
        place = torch.arange(extent)
        self.register_buffer("offsets", place[:, None] - place[None, :] + extent - 1, persistent=False)

    def forward(self, x):
        b, h, w, c = x.shape
        q, k, v = self.qkv(x).view(b, h * w, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        grid = q.reshape(b * self.heads, h, w, -1)
        by_row = torch.einsum("bhwc,hkc->bhwk", grid, self.rel_pos_h[self.offsets])
        by_column = torch.einsum("bhwc,wkc->bhwk", grid, self.rel_pos_w[self.offsets])
        bias = (by_row[..., :, None] + by_column[..., None, :]).reshape(b, self.heads, h * w, h * w)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        return self.proj(y.transpose(1, 2).reshape(b, h, w, c))


class EncoderBlock(nn.Module):
    def __init__(self, width, heads, window):
        super().__init__()
        self.window = window
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.attn = RelativeAttention(width, heads, window or 64)
        self.mlp = Mlp(width, 4 * width)

    def forward(self, x):
        y = self.norm1(x)
        if self.window:
            b, h, w, _ = y.shape
            y = unwindowed(self.attn(windows(y, self.window)), self.window, b, h, w)
        else:
            y = self.attn(y)
        x = x + y
        return x + self.mlp(self.norm2(x))


class ImageEncoder(nn.Module):
    def __init__(self, width=768, depth=12, heads=12, whole=(2, 5, 8, 11)):
        super().__init__()
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, width, 16, 16)})
        self.pos_embed = nn.Parameter(torch.zeros(1, 64, 64, width))
        self.blocks = nn.ModuleList(EncoderBlock(width, heads, 0 if i in whole else 14) for i in range(depth))
        self.neck = neck(width)

    def forward(self, x):
        x = self.patch_embed["proj"](x).permute(0, 2, 3, 1) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        return self.neck(x.permute(0, 3, 1, 2))


class ConvNorm(nn.Module):
    def __init__(self, inputs, outputs, kernel=1, stride=1, groups=1):
        super().__init__()
        self.c = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return self.bn(self.c(x))


class MBConv(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv1, self.conv2 = ConvNorm(width, 4 * width), ConvNorm(4 * width, 4 * width, 3, groups=4 * width)
        self.conv3 = ConvNorm(4 * width, width)

    def forward(self, x):
        return F.gelu(x + self.conv3(F.gelu(self.conv2(F.gelu(self.conv1(x))))))


class Merging(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1, self.conv2 = ConvNorm(inputs, outputs), ConvNorm(outputs, outputs, 3, stride, outputs)
        self.conv3 = ConvNorm(outputs, outputs)

    def forward(self, x):
        return self.conv3(F.gelu(self.conv2(F.gelu(self.conv1(x)))))


class TableAttention(nn.Module):
    def __init__(self, width, heads, size):
        super().__init__()
        self.heads = heads
        self.norm, self.qkv, self.proj = nn.LayerNorm(width), nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.attention_biases = nn.Parameter(torch.zeros(heads, size * size))
        y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
        y, x = y.flatten(), x.flatten()
        places = (y[:, None] - y[None]).abs() * size + (x[:, None] - x[None]).abs()
        self.register_buffer("attention_bias_idxs", places, persistent=False)

    def forward(self, x):
        b, n, c = x.shape
        q, k, v = self.qkv(self.norm(x)).view(b, n, self.heads, 3, -1).permute(3, 0, 2, 1, 4)
        bias = self.attention_biases[:, self.attention_bias_idxs]
        return self.proj(F.scaled_dot_product_attention(q, k, v, attn_mask=bias).transpose(1, 2).reshape(b, n, c))


class TinyMlp(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm, self.fc1, self.fc2 = nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(self.norm(x))))


class TinyBlock(nn.Module):
    def __init__(self, width, heads, size):
        super().__init__()
        self.size = size
        self.attn, self.mlp = TableAttention(width, heads, size), TinyMlp(width)
        self.local_conv = ConvNorm(width, width, 3, groups=width)

    def forward(self, x):
        """N,C,H,W."""
        b, c, h, w = x.shape
        y = windows(x.permute(0, 2, 3, 1), self.size)
        y = self.attn(y.view(-1, self.size * self.size, c))
        x = x + unwindowed(y, self.size, b, h, w).permute(0, 3, 1, 2)
        x = self.local_conv(x)
        return x + self.mlp(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Stage(nn.Module):
    def __init__(self, blocks, downsample):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        if downsample:
            self.downsample = downsample

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.downsample(x) if hasattr(self, "downsample") else x


class TinyViT(nn.Module):
    def __init__(self):
        super().__init__()
        widths, depths, heads, sizes = (64, 128, 160, 320), (2, 2, 6, 2), (2, 4, 5, 10), (7, 7, 14, 7)
        self.patch_embed = nn.ModuleDict({"seq": nn.ModuleList([ConvNorm(3, 32, 3, 2), nn.GELU(), ConvNorm(32, 64, 3, 2)])})
        self.layers = nn.ModuleList()
        for i in range(4):
            blocks = [MBConv(widths[i]) if i == 0 else TinyBlock(widths[i], heads[i], sizes[i]) for _ in range(depths[i])]
            self.layers.append(Stage(blocks, Merging(widths[i], widths[i + 1], 1 if i == 2 else 2) if i < 3 else None))
        self.neck = neck(320)

    def forward(self, x):
        for layer in self.patch_embed["seq"]:
            x = layer(x)
        for layer in self.layers:
            x = layer(x)
        return self.neck(x)


class ProjectedAttention(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.q_proj, self.k_proj, self.v_proj = (nn.Linear(256, inner) for _ in range(3))
        self.out_proj = nn.Linear(inner, 256)

    def forward(self, q, k, v):
        def heads(x):
            return x.view(*x.shape[:2], 8, -1).transpose(1, 2)
        y = F.scaled_dot_product_attention(heads(self.q_proj(q)), heads(self.k_proj(k)), heads(self.v_proj(v)))
        return self.out_proj(y.transpose(1, 2).flatten(2))


class ReluMlp(nn.Module):
    def __init__(self, *widths):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths, widths[1:]))

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return self.layers[-1](x)


class TwoWayBlock(nn.Module):
    def __init__(self, first):
        super().__init__()
        self.first = first
        self.self_attn = ProjectedAttention(256)
        self.cross_attn_token_to_image, self.cross_attn_image_to_token = ProjectedAttention(128), ProjectedAttention(128)
        self.norm1, self.norm2, self.norm3, self.norm4 = (nn.LayerNorm(256) for _ in range(4))
        self.mlp = nn.ModuleDict({"lin1": nn.Linear(256, 2048), "lin2": nn.Linear(2048, 256)})

    def forward(self, tokens, image, token_pe, image_pe):
        if self.first:
            tokens = self.self_attn(tokens, tokens, tokens)
        else:
            tokens = tokens + self.self_attn(tokens + token_pe, tokens + token_pe, tokens)
        tokens = self.norm1(tokens)
        tokens = self.norm2(tokens + self.cross_attn_token_to_image(tokens + token_pe, image + image_pe, image))
        tokens = self.norm3(tokens + self.mlp["lin2"](F.relu(self.mlp["lin1"](tokens))))
        image = self.norm4(image + self.cross_attn_image_to_token(image + image_pe, tokens + token_pe, tokens))
        return tokens, image


class TwoWayTransformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([TwoWayBlock(True), TwoWayBlock(False)])
        self.final_attn_token_to_image, self.norm_final_attn = ProjectedAttention(128), nn.LayerNorm(256)

    def forward(self, tokens, image, image_pe):
        token_pe = tokens
        for layer in self.layers:
            tokens, image = layer(tokens, image, token_pe, image_pe)
        tokens = tokens + self.final_attn_token_to_image(tokens + token_pe, image + image_pe, image)
        return self.norm_final_attn(tokens), image


class MaskDecoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.transformer = TwoWayTransformer()
        self.iou_token, self.mask_tokens = nn.Embedding(1, 256), nn.Embedding(4, 256)
        self.output_upscaling = nn.Sequential(
            nn.ConvTranspose2d(256, 64, 2, 2), LayerNorm2d(64), nn.GELU(), nn.ConvTranspose2d(64, 32, 2, 2), nn.GELU())
        self.output_hypernetworks_mlps = nn.ModuleList(ReluMlp(256, 256, 256, 32) for _ in range(4))
        self.iou_prediction_head = ReluMlp(256, 256, 256, 4)

    def forward(self, embedding, dense_pe, sparse, dense):
        tokens = torch.cat([self.iou_token.weight, self.mask_tokens.weight, sparse[0]])[None]
        image = (embedding + dense).flatten(2).transpose(1, 2)
        tokens, image = self.transformer(tokens, image, dense_pe.flatten(2).transpose(1, 2))
        up = self.output_upscaling(image.transpose(1, 2).reshape(1, 256, 64, 64))
        kernels = torch.stack([mlp(tokens[:, 1 + i]) for i, mlp in enumerate(self.output_hypernetworks_mlps)], 1)
        masks = (kernels @ up.flatten(2)).view(1, 4, 256, 256)
        return masks, self.iou_prediction_head(tokens[:, 0])


class PromptEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.pe_layer = nn.Module()
        self.pe_layer.register_buffer("positional_encoding_gaussian_matrix", torch.randn(2, 128))
        self.point_embeddings = nn.ModuleList(nn.Embedding(1, 256) for _ in range(4))
        self.not_a_point_embed, self.no_mask_embed = nn.Embedding(1, 256), nn.Embedding(1, 256)
        self.mask_downscaling = nn.Sequential(
            nn.Conv2d(1, 4, 2, 2), LayerNorm2d(4), nn.GELU(), nn.Conv2d(4, 16, 2, 2), LayerNorm2d(16), nn.GELU(),
            nn.Conv2d(16, 256, 1))

    def fourier(self, x):
        x = (2 * x - 1) @ self.pe_layer.positional_encoding_gaussian_matrix * (2 * math.pi)
        return torch.cat([x.sin(), x.cos()], -1)

    def dense_pe(self):
        place = (torch.arange(64) + 0.5) / 64
        y, x = torch.meshgrid(place, place, indexing="ij")
        return self.fourier(torch.stack([x, y], -1)).permute(2, 0, 1)[None]

    def forward(self, points=None, labels=None, box=None, mask=None):
        sparse = []
        if points is not None:
            points, labels = torch.tensor(points, dtype=torch.float32) + 0.5, list(labels)
            if box is None:
                points, labels = torch.cat([points, torch.zeros(1, 2)]), labels + [-1]
            for point, label in zip(points, labels):
                embedded = self.fourier(point / 1024)
                sparse.append(self.not_a_point_embed.weight[0] if label < 0 else embedded + self.point_embeddings[label].weight[0])
        if box is not None:
            corners = self.fourier((torch.tensor(box, dtype=torch.float32).view(2, 2) + 0.5) / 1024)
            sparse += [corners[0] + self.point_embeddings[2].weight[0], corners[1] + self.point_embeddings[3].weight[0]]
        sparse = torch.stack(sparse)[None] if sparse else torch.zeros(1, 0, 256)
        dense = self.no_mask_embed.weight.view(1, 256, 1, 1).expand(1, 256, 64, 64) if mask is None else self.mask_downscaling(mask)
        return sparse, dense


class Sam(nn.Module):
    def __init__(self, encoder):
        super().__init__()
        self.image_encoder, self.prompt_encoder, self.mask_decoder = encoder, PromptEncoder(), MaskDecoder()


def uniform(name, count):
    """golden/README.md."""
    key = 0xCBF29CE484222325
    for byte in name.encode():
        key = ((key ^ byte) * 0x100000001B3) % 2**64
    with np.errstate(over="ignore"):
        z = np.uint64(key) + (np.arange(1, count + 1, dtype=np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) * 2.0**-23 - 1


def formula_weights(module):
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if not tensor.is_floating_point():
                continue
            last, u = name.split(".")[-1], uniform(name, tensor.numel())
            if last == "running_var":
                u = 1 + 0.5 * abs(u)
            elif last in ("running_mean", "bias"):
                u = 0.1 * u
            elif last == "weight":
                u = 1 + 0.1 * u if tensor.ndim == 1 else u * math.sqrt(3 / (tensor.numel() // tensor.shape[0]))
            else:
                u = 0.5 * u
            tensor.copy_(torch.from_numpy(u).view(tensor.shape))
