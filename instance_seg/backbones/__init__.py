"""Backbones: what they are called by `backbone`."""

from instance_seg.registry import Entry

BACKBONES = {
    "octree_unet": Entry(
        "instance_seg.backbones.settings:OctreeUNetSettings", "instance_seg.backbones.octree_unet:OctreeUNet"
    ),
    "pointnet2": Entry(
        "instance_seg.backbones.settings:PointNet2Settings", "instance_seg.backbones.pointnet2:PointNet2"
    ),
    "pointconv": Entry(
        "instance_seg.backbones.settings:PointConvSettings", "instance_seg.backbones.pointconv:PointConvNet"
    ),
    "sparse_unet": Entry(
        "instance_seg.backbones.settings:SparseUNetSettings", "instance_seg.backbones.sparse_unet:SparseUNet"
    ),
}
