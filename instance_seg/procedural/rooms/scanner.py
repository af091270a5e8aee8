"""What a walk through a room with a depth camera brings home of it: a mesh with holes, noise, light and shade."""

from typing import NamedTuple

import numpy as np
from scipy import sparse

from instance_seg.procedural.rooms.pieces import Piece
from instance_seg.procedural.rooms.triangles import bisect, weld

OPENING = (-75.0, 25.0)  # degrees below and above the level that the camera is turned to
EVERYWHERE = (-90.0, 90.0)


class Mesh(NamedTuple):
    """Welded surfaces of all pieces."""

    vertices: np.ndarray  # [V, 3] float64, meters
    faces: np.ndarray  # [F, 3] int64
    colors: np.ndarray  # [V, 3] float64, 0..1
    piece: np.ndarray  # [V] int64: index of the piece
    normals: np.ndarray  # [V, 3] float64, unit, or 0 where opposite sides melt together


def mesh_of(pieces: list[Piece], spacing: float) -> Mesh:
    """Cuts all triangles small and welds them piece by piece; vertices lie about `spacing` meters apart."""
    corners = np.concatenate([piece.corners for piece in pieces]).astype(np.float32)
    owner = np.repeat(np.arange(len(pieces)), [len(piece.corners) for piece in pieces])
    colors = np.concatenate([piece.colors for piece in pieces])
    small, source = bisect(corners, 1.5 * spacing)
    chosen, faces = weld(small, owner[source], spacing)
    vertices, source = small.reshape(-1, 3)[chosen].astype(np.float64), source[chosen // 3]
    across = np.cross(vertices[faces[:, 1]] - vertices[faces[:, 0]], vertices[faces[:, 2]] - vertices[faces[:, 0]])
    area = np.sqrt(np.einsum("ij,ij->i", across, across))
    flat, count = faces.ravel(), len(vertices)
    normals = np.stack([np.bincount(flat, np.repeat(column, 3), count) for column in across.T], axis=1)
    length = np.linalg.norm(normals, axis=1)
    clear = length > 0.3 * np.bincount(flat, np.repeat(area, 3), count)
    normals = np.where(clear[:, None], normals / np.maximum(length, 1e-12)[:, None], 0.0)
    return Mesh(vertices, faces, colors[source], owner[source], normals)


def view_depths(mesh: Mesh, camera: np.ndarray, pixel: float, opening: tuple[float, float]) -> np.ndarray:
    """Distance [V] from a camera to each vertex that it sees, infinite for the others.

    The picture is a sphere of square pixels around the camera, `pixel` radians wide. The nearest vertex of a pixel
    hides those that lie behind its tangent plane by more than half a pixel, so that no flat surface hides itself.
    """
    ray = mesh.vertices - camera
    distance = np.sqrt(np.einsum("ij,ij->i", ray, ray))
    elevation = np.arcsin(ray[:, 2] / distance)
    columns = int(2.0 * np.pi / pixel)
    column = ((np.arctan2(ray[:, 1], ray[:, 0]) / (2.0 * np.pi) + 0.5) * columns).astype(np.int64) % columns
    cell = ((elevation + 0.5 * np.pi) / pixel).astype(np.int64) * columns + column
    least = np.full(cell.max() + 1, np.inf)
    np.minimum.at(least, cell, distance)
    first = np.flatnonzero(distance == least[cell])
    nearest = np.zeros(len(least), np.int64)
    nearest[cell[first]] = first
    hiding = nearest[cell]
    plane = np.where(mesh.normals.any(axis=1)[:, None], mesh.normals, ray / distance[:, None])
    plane *= np.sign(np.einsum("ij,ij->i", plane, ray))[:, None]  # away from the camera
    behind = np.einsum("ij,ij->i", mesh.vertices - mesh.vertices[hiding], plane[hiding])
    low, high = np.radians(opening)
    seen = (behind <= 0.5 * pixel * distance + 0.02) & (elevation > low) & (elevation < high)
    return np.where(seen, distance, np.inf)


def keep(mesh: Mesh, wanted: np.ndarray) -> tuple[Mesh, np.ndarray]:
    """The faces whose corners are all wanted, with their vertices; and the index of each vertex in the old mesh."""
    faces = mesh.faces[wanted[mesh.faces].all(axis=1)]
    in_use = np.zeros(len(mesh.vertices), bool)
    in_use[faces] = True
    used = np.flatnonzero(in_use)
    renumbered = np.zeros(len(mesh.vertices), np.int64)
    renumbered[used] = np.arange(len(used))
    return Mesh(mesh.vertices[used], renumbered[faces], mesh.colors[used], mesh.piece[used], mesh.normals[used]), used


def waves(points: np.ndarray, rng: np.random.Generator, shortest: float, longest: float, count: int = 4) -> np.ndarray:
    """A smooth random function of the place: [N], about between -1 and 1; wavelengths in meters."""
    direction = rng.normal(size=(count, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    frequency = 2.0 * np.pi / rng.uniform(shortest, longest, count)
    phase = rng.uniform(0.0, 2.0 * np.pi, count)
    angle = points.astype(np.float32) @ (direction * frequency[:, None]).T.astype(np.float32) + phase.astype(np.float32)
    return np.sin(angle).mean(axis=1) * 1.5


def lost(mesh: Mesh, rng: np.random.Generator, glass: np.ndarray) -> np.ndarray:
    """Which vertices [V] fall into holes: blobs here and there, and most of what is glass ([V] bool)."""
    gone = np.zeros(len(mesh.vertices), bool)
    for center in mesh.vertices[rng.integers(len(mesh.vertices), size=rng.integers(6, 16))]:
        gone |= np.square(mesh.vertices - center).sum(axis=1) < rng.uniform(0.04, 0.2) ** 2
    return gone | (glass & (waves(mesh.vertices, rng, 0.2, 0.8) > 0.25))


def lit(mesh: Mesh, rng: np.random.Generator) -> np.ndarray:
    """Colors [V, 3] under a lamp and a window: shaded by direction and place, tinted, blurred over edges, noisy."""
    light = np.array([*rng.uniform(-0.6, 0.6, 2), 1.0])
    light /= np.linalg.norm(light)
    shade = 0.78 + 0.22 * mesh.normals @ light + 0.06 * waves(mesh.vertices, rng, 1.5, 4.0)
    shade *= 1.0 - 0.25 * np.exp(-mesh.vertices[:, 2] / 0.25) * (np.abs(mesh.normals[:, 2]) < 0.7)
    colors = mesh.colors * shade[:, None] * rng.uniform(0.9, 1.08) * rng.uniform(0.94, 1.05, 3)
    first, second = mesh.faces[:, [0, 1, 2]].ravel(), mesh.faces[:, [1, 2, 0]].ravel()
    ones = np.ones(2 * len(first), np.float32)
    shape = (len(mesh.vertices),) * 2
    edges = sparse.csr_array((ones, (np.r_[first, second], np.r_[second, first])), shape)
    colors = 0.5 * colors + 0.5 * (edges @ colors) / np.maximum(edges.sum(axis=1), 1.0).reshape(-1, 1)
    noise = rng.normal(0.0, 0.02, colors.shape) + rng.normal(0.0, 0.015, (len(colors), 1))
    return np.clip(colors + noise, 0.0, 1.0)


def scan(
    pieces: list[Piece],
    cameras: np.ndarray,
    spacing: float,
    rng: np.random.Generator,
    opening: tuple[float, float] = OPENING,
) -> Mesh:
    """The part of all surfaces that some camera sees, displaced by the errors of depth, in the light of the room.

    Args:
        cameras: positions [C, 3].
        spacing: of the vertices, meters.
        opening: least and greatest elevation, degrees.
    """
    mesh = mesh_of(pieces, spacing)
    pixel = max(np.radians(1.4), 1.2 * spacing)
    distance = np.min([view_depths(mesh, camera, pixel, opening) for camera in cameras], axis=0)
    glass = np.array([piece.label == "window" for piece in pieces])[mesh.piece]
    mesh, kept = keep(mesh, np.isfinite(distance) & ~lost(mesh, rng, glass))
    rough = 0.001 + 0.0006 * distance[kept] ** 2  # depth errors grow with the square of the distance
    offset = rng.normal(0.0, 1.0, len(kept)) * rough + 0.006 * waves(mesh.vertices, rng, 0.6, 2.5)
    drift = np.stack([0.008 * waves(mesh.vertices, rng, 2.0, 6.0) for _ in range(3)], axis=1)
    jitter = rng.normal(0.0, 0.06 * spacing, mesh.vertices.shape)
    return mesh._replace(
        vertices=mesh.vertices + offset[:, None] * mesh.normals + drift + jitter, colors=lit(mesh, rng)
    )
