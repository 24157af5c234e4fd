"""ToCo (ViT-B/16, LargeFOV) in plain PyTorch, with the names of the reference's checkpoint: the other side of
`run`.

Written from docs/Method.md, section 3, and checked against ../shared/golden/toco.safetensors by `toco_model.py check`.
"""
import sys

import torch
import torch.nn.functional as F
from torch import nn

from pvt_model import by_formula


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width, 1e-6), nn.LayerNorm(width, 1e-6)
        self.attn, self.mlp = nn.Module(), nn.Module()
        self.attn.qkv, self.attn.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp.fc1, self.mlp.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, tokens):
        batch, count, width = tokens.shape
        query, key, value = self.attn.qkv(self.norm1(tokens)).view(batch, count, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(query, key, value)
        tokens = tokens + self.attn.proj(mixed.transpose(1, 2).reshape(batch, count, width))
        return tokens + self.mlp.fc2(F.gelu(self.mlp.fc1(self.norm2(tokens))))


class Encoder(nn.Module):
    def __init__(self, width=768, depth=12, heads=12, grid=14):
        super().__init__()
        self.grid = grid
        self.patch_embed = nn.Module()
        self.patch_embed.proj = nn.Conv2d(3, width, 16, 16)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, grid * grid + 1, width), requires_grad=False)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width, 1e-6)

    def forward(self, images):
        patches = self.patch_embed.proj(images)
        shape = patches.shape
        places = self.pos_embed[:, 1:].transpose(1, 2).reshape(1, -1, self.grid, self.grid)
        places = F.interpolate(places, shape[2:], mode="bicubic", align_corners=False)
        tokens = patches.flatten(2).transpose(1, 2) + places.flatten(2).transpose(1, 2)
        tokens = torch.cat([(self.cls_token + self.pos_embed[:, :1]).expand(shape[0], -1, -1), tokens], 1)
        outputs = []
        for block in self.blocks:
            tokens = block(tokens)
            outputs.append(tokens)

        def as_map(x):
            return x[:, 1:].transpose(1, 2).reshape(shape)

        return as_map(self.norm(tokens)), as_map(outputs[-2])


class ToCo(nn.Module):
    def __init__(self, width=768):
        super().__init__()
        self.encoder = Encoder(width)
        self.classifier = nn.Conv2d(width, 1, 1, bias=False)
        self.aux_classifier = nn.Conv2d(width, 1, 1, bias=False)
        self.decoder = nn.Module()
        self.decoder.conv6 = nn.Conv2d(width, 512, 3, padding=5, dilation=5, bias=False)
        self.decoder.conv7 = nn.Conv2d(512, 512, 3, padding=5, dilation=5, bias=False)
        self.decoder.conv8 = nn.Conv2d(512, 2, 1, bias=False)

    def forward(self, images):
        """Class logits, auxiliary logits, segmentation logits."""
        last, auxiliary = self.encoder(images)
        masks = self.decoder.conv8(F.relu(self.decoder.conv7(F.relu(self.decoder.conv6(last)))))
        classes = self.classifier(F.adaptive_max_pool2d(last, 1)).flatten(1)
        return classes, self.aux_classifier(F.adaptive_max_pool2d(auxiliary, 1)).flatten(1), masks

    def probability(self, images):
        last, _ = self.encoder(images)
        return torch.sigmoid(self.classifier(F.adaptive_max_pool2d(last, 1)))

    def maps(self, images):
        """Both classifiers on each patch."""
        last, auxiliary = self.encoder(images)
        return self.classifier(last), self.aux_classifier(auxiliary)

    def multiscale(self, images):
        return multiscale(self.maps, images)


SCALES = (1, 0.5, 0.75, 1.25, 1.5)


def multiscale(maps, images):
    """The maps of an image and its mirror image at each scale, joined at the image's size."""
    height, width = images.shape[2:]
    sums = [0, 0]
    for scale in SCALES:
        size = (int(scale * height), int(scale * width))
        x = images if scale == 1 else F.interpolate(images, size, mode="bilinear", align_corners=False)
        for index, cam in enumerate(maps(torch.cat([x, x.flip(-1)]))):
            cam = F.interpolate(cam.float(), (height, width), mode="bilinear", align_corners=False)
            sums[index] = sums[index] + F.relu(torch.maximum(cam[:1], cam[1:].flip(-1)))
    sums = [s - s.amin() for s in sums]
    return [s / (s.amax() + 1e-5) for s in sums]


def golden_model():
    model = ToCo().eval()
    with torch.no_grad():
        for name, parameter in model.state_dict().items():
            parameter.copy_(by_formula(name, tuple(parameter.shape)))
    return model


if __name__ == "__main__" and sys.argv[1:] == ["check"]:
    from safetensors.torch import load_file

    golden = load_file("../shared/golden/toco.safetensors")
    model, x = golden_model(), by_formula("input.toco.224", (1, 3, 224, 224))
    with torch.inference_mode():
        classes, auxiliary, masks = model(x)
        cam, cam_aux = model.multiscale(x)
    for name, ours in [("cls", classes), ("aux_cls", auxiliary), ("seg", masks), ("multiscale_cam", cam), ("multiscale_cam_aux", cam_aux)]:
        theirs = golden["224." + name]
        print(name, float((ours.reshape(theirs.shape) - theirs).norm() / theirs.norm()))
