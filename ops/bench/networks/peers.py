"""The networks outside this project, and how each is timed: PyTorch (eager and channels-last, fp32 and bf16), ONNX
Runtime fp32, OpenVINO fp32 and bf16. `compare.py` asks for them by row and variant.
"""
import os

import torch
import torch.nn.functional as F
from torch import nn

from pvt_model import by_formula


class Residual(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet18(nn.Module):
    """torchvision's, which need not be installed; without the last layer where `classes` is None."""

    def __init__(self, classes=None):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        blocks, inputs = [], 64
        for outputs, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
            blocks += [Residual(inputs, outputs, stride), Residual(outputs, outputs, 1)]
            inputs = outputs
        self.blocks, self.fc = nn.Sequential(*blocks), nn.Linear(512, classes) if classes else None

    def forward(self, images):
        x = self.blocks(self.stem(images)).mean((2, 3))
        return x if self.fc is None else self.fc(x)


def images(count, side):
    return by_formula("any", (count, 3, side, side))


def resnet():
    return ResNet18().eval(), images(1, 512)


def toco(method="probability"):
    from toco_model import golden_model

    model = golden_model()
    model.forward = getattr(model, method)
    return model, images(1, 448)


def polyp_pvt():
    from pvt_model import golden_model

    return golden_model(), images(1, 352) * 4


def mobile_sam():
    from sam_modules import TinyViT

    return TinyViT().eval(), torch.rand(1, 3, 1024, 1024)


def sam():
    from sam_modules import ImageEncoder

    return ImageEncoder().eval(), torch.rand(1, 3, 1024, 1024)


def efficientnet():
    from efficientnet_model import fused

    return fused(), images(1, 224)


def read_file(path=os.environ.get("BENCH_JPEG")):
    """A JPEG file as the encoder sees it: Pillow's decoder, and its bilinear filter."""
    import numpy
    from PIL import Image

    with Image.open(path) as picture:
        square = picture.convert("RGB").resize((224, 224), Image.Resampling.BILINEAR)
    return torch.from_numpy((numpy.asarray(square, dtype=numpy.float32).transpose(2, 0, 1)[None] - 127) / 128)


# Rows whose input is read from a file in each call.
FILES = {"efficientnet-lite0-224-jpeg": read_file}

INFERENCE = {
    "efficientnet-lite0-224": efficientnet, "efficientnet-lite0-224-jpeg": efficientnet,
    "resnet18-512": resnet, "toco-448": toco, "toco-448-multiscale": lambda: toco("multiscale"),
    "polyp-pvt-352": polyp_pvt, "mobilesam-1024": mobile_sam, "sam-vitb-1024": sam,
}


def resnet_step():
    """Eight images of 512, the mean square of two logits for a loss, AdamW."""
    return ResNet18(2).train(), images(8, 512), lambda outputs: outputs.float().square().mean() / 2, lambda _: None


def vit_step():
    """Two images of 224: classification, auxiliary and segmentation losses of ToCo."""
    from toco_model import golden_model

    labels, masks = torch.zeros(2, 1), torch.zeros(2, 224, 224, dtype=torch.long)

    def loss(outputs):
        classes, auxiliary, logits = (x.float() for x in outputs)
        full = F.interpolate(logits, (224, 224), mode="bilinear", align_corners=False)
        marginal = F.multilabel_soft_margin_loss
        segmented = 0.1 * F.cross_entropy(full, masks) + 0.1 * (1 - full.softmax(1)[:, 0].mean())
        return marginal(classes, labels) + marginal(auxiliary, labels) + segmented

    return golden_model(), images(2, 224), loss, lambda _: None


def pvt_step():
    """Two images of 352: the structure loss of both outputs, gradients clamped."""
    from pvt_model import golden_model, structure_loss

    mask = (by_formula("mask", (2, 1, 352, 352)) > 0.15).float()

    def loss(outputs):
        return sum(structure_loss(p.float(), mask) for p in outputs)

    def clamp(model):
        torch.nn.utils.clip_grad_value_(model.parameters(), 0.5)

    return golden_model().train(), images(2, 352) * 4, loss, clamp


TRAINING = {"train-resnet18-512x8": resnet_step, "train-vitb-224x2": vit_step, "train-polyp-pvt-352x2": pvt_step}
ROWS = list(INFERENCE) + list(TRAINING)


def training_step(row, precision, layout=torch.contiguous_format):
    model, x, loss, after = TRAINING[row]()
    model, x = model.to(memory_format=layout), x.contiguous(memory_format=layout)
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], 1e-5, weight_decay=0.01)

    def step():
        optimiser.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            outputs = model(x)
        loss(outputs).backward()
        after(model)
        optimiser.step()

    return step


def pytorch(row, variant, _):
    precision, layout = variant.split("-")
    layout = torch.channels_last if layout == "last" else torch.contiguous_format
    if row in TRAINING:
        return training_step(row, precision, layout)
    model, x = INFERENCE[row]()
    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    model = model.requires_grad_(False).to(kind).to(memory_format=layout)
    x = x.to(kind).contiguous(memory_format=layout)
    read = FILES.get(row)

    def call():
        with torch.inference_mode():
            model(read().to(kind).contiguous(memory_format=layout) if read else x)

    return call


def operations(row):
    """Of matrix products and convolutions of one call, a multiplication and an addition each counted as one. A training
    step is three times its forward pass: PyTorch's counter takes the backward pass of depthwise convolutions for dense.
    """
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    model, x = (INFERENCE if row in INFERENCE else TRAINING)[row]()[:2]
    # Attention in its parts, which the counter knows.
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        model(x)
    return counter.get_total_flops() * (1 if row in INFERENCE else 3)


MULTISCALE = "toco-448-multiscale"


def graphs(row, path):
    """What is exported for a row, and where: the network, or for maps over scales the network at each scale's size. How
    those are resized and joined is not the network's: all do that in PyTorch.
    """
    if row != MULTISCALE:
        return {path: INFERENCE[row]}
    from toco_model import SCALES

    def at(side):
        return lambda: (toco("maps")[0], images(2, side))

    return {f"{path[:-len('.onnx')]}-{int(448 * scale)}.onnx": at(int(448 * scale)) for scale in SCALES}


def export(row, path):
    for file, make in graphs(row, path).items():
        model, x = make()
        torch.onnx.export(model.requires_grad_(False), (x,), file + ".part", dynamo=True, external_data=False, verbose=False)
        os.replace(file + ".part", file)


def whole(row, path, load):
    """The row's call. `load` makes a function from arrays to arrays of an exported network."""
    loaded = [load(file) for file in graphs(row, path)]
    if row != MULTISCALE:
        x, read = INFERENCE[row]()[1].numpy(), FILES.get(row)
        return lambda: loaded[0](read().numpy() if read else x)
    from toco_model import SCALES, multiscale

    by_side, x = dict(zip([int(448 * scale) for scale in SCALES], loaded)), images(1, 448)

    def call():
        with torch.inference_mode():
            multiscale(lambda both: [torch.from_numpy(m) for m in by_side[both.shape[3]](both.numpy())], x)

    return call


def onnxruntime(row, variant, path):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()

    def load(file):
        session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        return lambda x: session.run(None, {name: x})

    return whole(row, path, load)


def openvino(row, variant, path):
    import openvino

    kind = openvino.Type.bf16 if variant == "bf16" else openvino.Type.f32
    settings = {
        "INFERENCE_PRECISION_HINT": kind, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": torch.get_num_threads()}

    def load(file):
        request = openvino.compile_model(openvino.convert_model(file), "CPU", settings).create_infer_request()
        return lambda x: list(request.infer([x]).values())

    return whole(row, path, load)


PEERS = {"pytorch": pytorch, "onnxruntime": onnxruntime, "openvino": openvino}
