"""What turns point features into predictions, and the choices that the heads offer."""

FUSE_FROM = ("hidden", "feature")
PLAIN_UNITS = ("none", "features", "features_xyz")
