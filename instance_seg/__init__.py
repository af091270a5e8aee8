"""Semantic segmentation-assisted instance feature fusion for 3D part segmentation, in TensorFlow 2."""

from instance_seg.quiet import quiet_tensorflow

quiet_tensorflow()  # here, before any module of the package imports TensorFlow
