"""Octree operations for TensorFlow 2. Importing the package loads neither TensorFlow nor the compiled libraries."""
