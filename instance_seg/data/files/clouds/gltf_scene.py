"""Where the nodes of a glTF scene place its meshes (sections 3.5.2 and 3.5.3 of the specification)."""

from collections.abc import Iterator

import numpy as np

from instance_seg.data.files.clouds.geometry import UnreadableError


def placed_meshes(tree: dict) -> Iterator[tuple[int, np.ndarray]]:
    """(mesh, its placement [4, 4] float64) for every node of the scene that has a mesh.

    The scene is the one the file names, else its first; a file without scenes shows all meshes. Raises UnreadableError
    if a node is its own ancestor or child of two.
    """
    nodes = tree.get("nodes", [])
    if not nodes:
        yield from ((mesh, np.eye(4)) for mesh in range(len(tree.get("meshes", []))))
        return
    children = {child for node in nodes for child in node.get("children", [])}
    roots = [number for number in range(len(nodes)) if number not in children]
    if tree.get("scenes"):
        roots = tree["scenes"][tree.get("scene", 0)].get("nodes", [])
    seen: set[int] = set()
    waiting = [(root, np.eye(4)) for root in reversed(roots)]
    while waiting:
        number, above = waiting.pop()
        if number in seen:
            raise UnreadableError(f"node {number} is in its scene twice; its nodes are no tree")
        seen.add(number)
        node = nodes[number]
        placement = above @ _placement(node)
        if "mesh" in node:
            yield node["mesh"], placement
        waiting += [(child, placement) for child in reversed(node.get("children", []))]


def _placement(node: dict) -> np.ndarray:
    """[4, 4] of a node in its parent: a matrix, column by column, or scale, then rotation, then translation."""
    if "matrix" in node:
        return np.asarray(node["matrix"], np.float64).reshape(4, 4).T
    placement = np.eye(4)
    x, y, z, w = quaternion = np.asarray(node.get("rotation", (0, 0, 0, 1)), np.float64)
    squared = quaternion @ quaternion
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    if squared > 0:
        placement[:3, :3] += 2 * (w * cross + cross @ cross) / squared
    placement[:3, :3] *= np.asarray(node.get("scale", (1, 1, 1)), np.float64).reshape(3)
    placement[:3, 3] = node.get("translation", (0, 0, 0))
    return placement
