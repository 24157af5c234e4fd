"""Prints the numbers of Tests/ImagingTests/DenseCRFTests.swift, by pydensecrf 1.0rc3 (the authors' code). It has no wheel:

pip install "cython<3" setuptools wheel numpy
pip download --no-deps --no-binary :all: --no-build-isolation pydensecrf && tar xf pydensecrf-1.0rc3.tar.gz
cd pydensecrf-1.0rc3 && cython --cplus -2 pydensecrf/*.pyx && pip install --no-build-isolation --no-deps .
"""
import numpy
import pydensecrf.densecrf as crf
from pydensecrf.utils import unary_from_softmax

WIDTH, HEIGHT = 14, 10
y, x, channel = numpy.mgrid[0:HEIGHT, 0:WIDTH, 0:3]
image = (numpy.where(x < 7 + y % 3, 180, 60) + (x * 7 + y * 13 + channel * 29) % 31).astype(numpy.uint8)
y, x = numpy.mgrid[0:HEIGHT, 0:WIDTH]
foreground = (0.2 + 0.06 * ((x * 5 + y * 3) % 11)).astype(numpy.float32)

for steps in (1, 3):
    field = crf.DenseCRF2D(WIDTH, HEIGHT, 2)
    field.setUnaryEnergy(numpy.ascontiguousarray(unary_from_softmax(numpy.stack([1 - foreground, foreground]))))
    field.addPairwiseGaussian(sxy=3, compat=0.5)
    field.addPairwiseBilateral(sxy=20, srgb=13, rgbim=image, compat=2)
    made = numpy.array(field.inference(steps)).reshape(2, -1)[1]
    print(f"{steps} steps:", ", ".join(f"{value:.6g}" for value in made[::7]))
