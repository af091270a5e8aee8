"""Measures of segmentation quality, by name. NumPy and this project's own kernels only, no TensorFlow.

A metric is made for a level and gets the clouds of a split one by one:

    metric = MetricClass(level, config)
    hits = metric.add(truth, segmented)        # which proposals count, and which of them hit; None if none can be told
    metric.result()                            # {measure: value, ..., "per_class": {class: {measure: value, ...}}}

`result` is also asked for before the first cloud: its measures have their names, and values that nobody reads.
"""

METRICS = {
    "partnet": "instance_seg.metrics.partnet:PartNetAP",
    "partnet_official": "instance_seg.metrics.partnet_official:PartNetOfficialAP",
    "class_agnostic": "instance_seg.metrics.class_agnostic:ClassAgnosticAP",
    "scannet": "instance_seg.metrics.scannet:ScanNetAP",
    "coverage": "instance_seg.metrics.coverage:Coverage",
}
