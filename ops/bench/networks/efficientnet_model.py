"""EfficientNet-Lite0 to the means of its last maps, as Tan and Le describe it and its Lite kin leaves out: no squeeze and
excitation, ReLU6 everywhere. Weights do not matter for its speed.
"""
import torch
from torch import nn

# Expansion, channels, blocks, stride of the first, kernel.
STAGES = ((1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5), (6, 192, 4, 2, 5), (6, 320, 1, 1, 3))


def convolved(inputs, outputs, kernel, stride=1, groups=1, active=True):
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(outputs)]
    return layers + [nn.ReLU6(inplace=True)] if active else layers


class Inverted(nn.Module):
    def __init__(self, inputs, outputs, expansion, stride, kernel):
        super().__init__()
        hidden = inputs * expansion
        widened = convolved(inputs, hidden, 1) if expansion > 1 else []
        self.layers = nn.Sequential(
            *widened, *convolved(hidden, hidden, kernel, stride, groups=hidden), *convolved(hidden, outputs, 1, active=False))
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.layers(x) if self.adds else self.layers(x)


class EfficientNetLite0(nn.Module):
    def __init__(self):
        super().__init__()
        layers, inputs = convolved(3, 32, 3, 2), 32
        for expansion, outputs, blocks, stride, kernel in STAGES:
            for block in range(blocks):
                layers.append(Inverted(inputs, outputs, expansion, stride if block == 0 else 1, kernel))
                inputs = outputs
        self.layers = nn.Sequential(*layers, *convolved(inputs, 1280, 1))

    def forward(self, images):
        return self.layers(images).mean((2, 3))


def fused():
    """Batch normalisation folded into the convolutions, as whoever runs a frozen encoder would."""
    model = EfficientNetLite0().eval()
    for parts in [model.layers] + [block.layers for block in model.modules() if isinstance(block, Inverted)]:
        for place in range(len(parts) - 1):
            if isinstance(parts[place], nn.Conv2d) and isinstance(parts[place + 1], nn.BatchNorm2d):
                parts[place] = torch.nn.utils.fuse_conv_bn_eval(parts[place], parts[place + 1])
                parts[place + 1] = nn.Identity()
    return model
