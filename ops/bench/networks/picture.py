"""A JPEG file of 600×500 with about as much detail as a frame of colonoscopy: see `run`."""
import sys

import numpy
from PIL import Image

random = numpy.random.default_rng(1)
coarse = Image.fromarray(random.integers(60, 200, (25, 30, 3), dtype=numpy.uint8)).resize((600, 500), Image.Resampling.BICUBIC)
fine = random.normal(0, 6, (500, 600, 1))
Image.fromarray(numpy.clip(numpy.asarray(coarse) + fine, 0, 255).astype(numpy.uint8)).save(sys.argv[1], quality=90)
