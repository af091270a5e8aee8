"""Data sets: what they are called by `data_set`, and how their clouds become batches."""

from instance_seg.registry import Entry

DATA_SETS = {
    "partnet": Entry("instance_seg.data.partnet.settings:PartNetSettings", "instance_seg.data.partnet.partnet:PartNet"),
    "scannet": Entry("instance_seg.data.scannet.settings:ScanNetSettings", "instance_seg.data.scannet.scannet:ScanNet"),
    "s3dis": Entry("instance_seg.data.s3dis.settings:S3disSettings", "instance_seg.data.s3dis.s3dis:S3dis"),
}
