"""Writes the checkpoints beside this file with the real torch (2.13) and safetensors; run once, results committed.

    python3 make.py

Each NAME.pth has a NAME.safetensors with what must be read from it.
"""

import collections
import io
import os
import pickle
import zipfile

import torch
from safetensors.torch import save_file


def numbers(*shape, start=0.0):
    count = 1
    for extent in shape:
        count *= extent
    return (torch.arange(count, dtype=torch.float32) * 0.25 + start).reshape(shape)


def expect(name, tensors):
    save_file({key: value.detach().to(torch.float32).contiguous().clone() for key, value in tensors.items()},
              name + ".safetensors")


class Small(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(2, 3, 2, bias=False)
        self.bn = torch.nn.BatchNorm2d(3)
        self.fc = torch.nn.Linear(3, 2)
        with torch.no_grad():
            for index, value in enumerate(list(self.parameters()) + [self.bn.running_mean, self.bn.running_var]):
                value.copy_(numbers(*value.shape, start=index - 3.0))


model = Small()
state = model.state_dict()
kept = {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}

# A plain state_dict, in both formats.
torch.save(state, "plain.pth")
expect("plain", kept)
torch.save(state, "stream.pth", _use_new_zipfile_serialization=False)
expect("stream", kept)

# Views: transposed, sliced, expanded, permuted, one storage under several tensors; a scalar, an empty one.
base = numbers(4, 6)
views = collections.OrderedDict(
    transposed=base.t(), sliced=base[1:3, ::2], row=base[2], expanded=numbers(3, 1).expand(3, 4),
    channels_last=numbers(2, 3, 2, 2).contiguous(memory_format=torch.channels_last),
    scalar=torch.tensor(1.5), empty=torch.zeros(0, 3), parameter=torch.nn.Parameter(base[:, 1]))
torch.save(views, "views.pth")
expect("views", views)
torch.save(views, "views-stream.pth", _use_new_zipfile_serialization=False)
expect("views-stream", views)

# Every type of element; pickle protocols 4 and 5.
types = {str(t)[6:]: (numbers(5, start=-0.5) * (8 if not t.is_floating_point else 1)).abs().to(t)
         for t in [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16,
                   torch.int8, torch.uint8, torch.uint16, torch.uint32, torch.uint64, torch.bool]}
torch.save(types, "types.pth", pickle_protocol=4)
expect("types", types)
torch.save({"half": -numbers(7).half(), "bfloat": -numbers(7).bfloat16()}, "half.pth", pickle_protocol=5)
expect("half", {"half": -numbers(7).half(), "bfloat": -numbers(7).bfloat16()})

# A training checkpoint: the model under DataParallel, optimiser state and odds and ends.
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
for parameter in model.parameters():
    parameter.grad = torch.ones_like(parameter)
optimizer.step()
training = {"epoch": 12, "best": 0.5, "name": "small", "done": False, "size": torch.Size([2, 3]), "nothing": None,
            "device": torch.device("cpu"), "dtype": torch.float32, "kinds": {1, 2},
            "state_dict": {"module." + k: v for k, v in model.state_dict().items()},
            "optimizer": optimizer.state_dict()}
torch.save(training, "training.pth")
expect("training", {k: v for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")})

# safetensors with all its types, and metadata.
save_file({k: v for k, v in types.items()}, "all-types.safetensors", metadata={"format": "pt", "note": "a \"quote\""})

# A pickle that would run a command; alone, and inside an archive.
class Evil:
    def __reduce__(self):
        return os.system, ("touch /tmp/endoked-was-here",)


with open("evil.pkl", "wb") as file:
    pickle.dump({"weight": Evil()}, file, protocol=2)
with zipfile.ZipFile("evil.pth", "w") as archive:
    archive.writestr("evil/data.pkl", pickle.dumps({"weight": Evil()}, protocol=2))
    archive.writestr("evil/version", "3\n")

# A compressed archive, which torch does not write.
buffer = io.BytesIO()
torch.save({"w": numbers(2)}, buffer)
with zipfile.ZipFile(buffer) as source, zipfile.ZipFile("deflated.pth", "w", zipfile.ZIP_DEFLATED) as archive:
    for entry in source.namelist():
        archive.writestr(entry, source.read(entry))
