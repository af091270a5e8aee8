"""The backbone that the settings name. Each answers at_points(points, octree, index, weight) with F_sem and F_ins."""

from instance_seg.backbones.octree_unet import OctreeUNet
from instance_seg.backbones.pointnet2 import PointNet2
from instance_seg.initializers import RELEASED, Initializer
from instance_seg.layers import Composite
from instance_seg.systems.settings import NetworkConfig


def _octree_unet(config: NetworkConfig, initializer: Initializer) -> OctreeUNet:
    return OctreeUNet(
        config.depth,
        config.channels,
        config.num_blocks,
        num_decoders=2,
        abs_input=config.abs_input,
        initializer=initializer,
        name="backbone",
    )


def _pointnet2(config: NetworkConfig, initializer: Initializer) -> PointNet2:
    return PointNet2(
        config.pointnet2_points,
        config.pointnet2_samples,
        config.pointnet2_width,
        config.pointnet2_normals,
        num_decoders=2,
        initializer=initializer,
        name="backbone",
    )


_MAKERS = {"octree_unet": _octree_unet, "pointnet2": _pointnet2}


def make_backbone(config: NetworkConfig, initializer: Initializer = RELEASED) -> Composite:
    """A backbone with two decoders, the semantic one first."""
    return _MAKERS[config.backbone](config, initializer)
