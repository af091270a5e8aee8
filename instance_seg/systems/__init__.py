"""Systems: what they are called by `system`."""

from instance_seg.registry import Entry

SYSTEMS = {
    "semantic_assisted": Entry(
        "instance_seg.systems.settings:SemanticAssistedSettings",
        "instance_seg.systems.semantic_assisted:SemanticAssisted",
    ),
    "feature_exchange": Entry(
        "instance_seg.systems.settings:FeatureExchangeSettings",
        "instance_seg.systems.feature_exchange:FeatureExchange",
    ),
    "embedding": Entry(
        "instance_seg.systems.embedding.settings:EmbeddingSettings",
        "instance_seg.systems.embedding.embedding:Embedding",
    ),
    "part_masks": Entry(
        "instance_seg.systems.comparison.settings:PartMasksSettings",
        "instance_seg.systems.comparison.part_masks:PartMasks",
    ),
    "pointgroup": Entry(
        "instance_seg.systems.proposal_settings:PointGroupSettings", "instance_seg.systems.pointgroup:PointGroup"
    ),
    "hais": Entry("instance_seg.systems.proposal_settings:HaisSettings", "instance_seg.systems.hais:Hais"),
    "dyco3d": Entry("instance_seg.systems.proposal_settings:DyCo3DSettings", "instance_seg.systems.dyco3d:DyCo3D"),
    "sgpn": Entry(
        "instance_seg.systems.comparison.settings:SgpnSettings",
        "instance_seg.systems.comparison.sgpn:Sgpn",
    ),
    "probabilistic": Entry(
        "instance_seg.systems.comparison.settings:ProbabilisticSettings",
        "instance_seg.systems.comparison.probabilistic:Probabilistic",
    ),
}
