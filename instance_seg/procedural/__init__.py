"""Procedural shapes with PartNet's part names, for trying the whole path without the data set."""

from instance_seg.procedural.generate import available_categories, generate_shape

__all__ = ["available_categories", "generate_shape"]
