"""Writes checkpoints as training scripts leave them, with the real torch (2.13), numpy (2) and omegaconf: objects of all
kinds beside the tensors, moving averages, two sets of weights, whole models. Run once, results committed.

    python3 make-scripts.py
"""

import argparse
import collections
import dataclasses
import datetime
import decimal
import enum
import functools
import pathlib
import pickle
import random
import uuid
import zipfile
from typing import Optional

import numpy
import torch
from omegaconf import OmegaConf


class Colour(enum.Enum):
    RED = 1


class Level(enum.IntEnum):
    HIGH = 3


@dataclasses.dataclass
class Settings:
    rate: float = 0.1
    kind: Optional[int] = None


class Meter:
    def __init__(self):
        self.values = [torch.ones(2)]


class Attributes(dict):
    """As easydict and addict make them."""


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self):
        self.a, self.b = 1, pathlib.Path("x")


Point = collections.namedtuple("Point", "x y")


def rate(epoch):
    return 1.0


def numbers(*shape, start=0.0):
    count = 1
    for extent in shape:
        count *= extent
    return (torch.arange(count, dtype=torch.float32) * 0.25 + start).reshape(shape)


weights = collections.OrderedDict({"fc.weight": numbers(2, 3), "fc.bias": numbers(2, start=1)})
model = torch.nn.Linear(3, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
settings = Attributes(name="x")
settings["size"] = 3
beside = {
    "best": numpy.float64(0.5), "epoch": numpy.int64(3), "curve": numpy.arange(3.0), "flag": numpy.bool_(True),
    "args": argparse.Namespace(lr=0.1, out=pathlib.Path("/tmp/x"), colour=Colour.RED, nested=argparse.Namespace(a=1)),
    "path": pathlib.PurePosixPath("a/b"), "when": datetime.datetime(2026, 1, 2, 3, 4, tzinfo=datetime.timezone.utc),
    "took": datetime.timedelta(seconds=3), "day": datetime.date(2026, 1, 2), "colour": Colour.RED, "level": Level.HIGH,
    "history": collections.defaultdict(list, loss=[1.0, numpy.float32(2)]), "counts": collections.Counter("aab"),
    "queue": collections.deque([1, 2]), "settings": Settings(), "meter": Meter(), "point": Point(1, 2),
    "attributes": settings, "slotted": Slotted(), "id": uuid.UUID(int=5), "share": decimal.Decimal("0.1"),
    "config": OmegaConf.create({"lr": 0.1, "list": [1, 2, {"a": None}]}), "shape": torch.Size([1, 2]),
    "dtype": torch.float16, "device": torch.device("cpu"), "numpy": numpy.dtype("float32"), "type": numpy.float32,
    "frozen": frozenset([1]), "complex": 1 + 2j, "bytes": b"abc", "slice": slice(1, 2), "nothing": type(None),
    "schedule": torch.optim.lr_scheduler.StepLR(optimizer, 3), "steps": torch.optim.lr_scheduler.LambdaLR(optimizer, rate),
    "half": functools.partial(rate, 1), "state": numpy.random.RandomState(1), "generator": numpy.random.default_rng(1),
    "rng": torch.get_rng_state(), "random": random.getstate(), "criterion": torch.nn.CrossEntropyLoss(),
}
for protocol in [2, 4]:
    torch.save({**beside, "state_dict": weights}, f"objects-{protocol}.pth", pickle_protocol=protocol)
torch.save({**beside, "state_dict": weights}, "objects-stream.pth", _use_new_zipfile_serialization=False)
# The weights in dicts of other classes.
torch.save({"model": Attributes(weights)}, "attributes.pth")
torch.save(collections.defaultdict(None, weights), "defaultdict.pth")

other = collections.OrderedDict({key: value + 1 for key, value in weights.items()})
torch.save({"epoch": 1, "model_ema": other, "model": weights}, "average.pth")
torch.save({"epoch": 1, "ema": {"module": other}, "optimizer": optimizer.state_dict()}, "only-average.pth")
torch.save({"model": weights, "best_model": other}, "twins.pth")
torch.save(model, "whole.pth")
