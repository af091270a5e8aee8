"""Cases of the kernels/dense CUDA kernels: batch normalization."""

from collections.abc import Iterator

import numpy as np

from gpu.case import (
    DTYPE,
    ELEMENT_TYPES,
    INVALID_ARGUMENT,
    Ask,
    Case,
    In,
    Out,
    Result,
    Scratch,
    Timing,
    Values,
    int32,
    round_to,
    stored_type,
    widen,
)
from gpu.cases_conv import RANDOM_ULPS, rounded

# Rows and channels: packs of channels or single ones, several rows of blocks, several blocks beside each other.
NORM_SIZES = ((0, 5), (1, 1), (3, 7), (70, 64), (133, 33), (20, 300), (2100, 8))
LONG = (33_000, 2)  # more rows than the smallest chunks take
EPSILON = 1e-3
LARGE = (400_000, 64)  # timings


def cases(rng: np.random.Generator) -> Iterator[Case]:
    for dtype in ELEMENT_TYPES:
        for size in NORM_SIZES:
            yield from norm_cases(rng, dtype, *size)
    yield from long_norm_cases(rng, "float32", *LONG)
    yield from refused_cases()


def code(dtype: str) -> int:
    """The ocnn_dtype."""
    return ELEMENT_TYPES.index(dtype)


def wide(dtype: str) -> str:
    """The type of sums and of what is kept a channel, in which the CPU twin computes."""
    return "float64" if dtype == "float64" else "float32"


def scratch(name: str, dtype: str, *sizes: int) -> Scratch:
    cpu = Ask(f"ocnn_{name}_workspace_bytes", (code(wide(dtype)), *sizes))
    return Scratch(cpu, Ask(f"ocnn_{name}_cuda_workspace_bytes", (code(dtype), *sizes)))


def channel_values(dtype: str, *arrays: np.ndarray) -> tuple[In, ...]:
    return tuple(In(np.ascontiguousarray(array, wide(dtype))) for array in arrays)


def norm_cases(rng, dtype: str, rows: int, channels: int) -> Iterator[Case]:
    """Against the formulas in float64, on rounded inputs: see RANDOM_ULPS; sums are of a few thousand rows."""
    options = {"dtype": dtype, "label": f"{rows} x {channels}"}
    memory = scratch("batch_norm", dtype, rows, channels)
    for center in (1, 64):
        yield moments_case(rng, dtype, rows, channels, center, memory)
    batch = int(rows > 1)  # of one row alone, the batch's own statistics leave a gradient of nothing but rounding
    for slope, has_shortcut, batch_statistics in ((1.0, False, batch), (0.0, True, batch), (0.25, False, 0)):
        norm = Norm(rng, dtype, rows, channels, slope, has_shortcut)
        options["label"] = f"{rows} x {channels}, slope {slope}{', shortcut' * has_shortcut}"
        yield norm.forward_case(memory, options)
        yield norm.gradient_case(rng, batch_statistics, memory, options)


def long_norm_cases(rng, dtype: str, rows: int, channels: int) -> Iterator[Case]:
    options, memory = {"dtype": dtype, "label": f"{rows} x {channels}"}, scratch("batch_norm", dtype, rows, channels)
    yield moments_case(rng, dtype, rows, channels, 1, memory)
    yield Norm(rng, dtype, rows, channels, 0.0, has_shortcut=False).gradient_case(rng, 1, memory, options)


def moments_case(rng, dtype: str, rows: int, channels: int, center: int, memory: Scratch) -> Case:
    """Numbers about `center`, which may be large beside their deviation."""
    x = _stored(dtype, center + rng.standard_normal((rows, channels)))
    exact = x.astype(np.longdouble)
    expected = [exact.mean(axis=0), exact.var(axis=0)] if rows else [np.zeros(channels)] * 2
    outputs = (Out(channels, wide(dtype), 4), Out(channels, wide(dtype), 64))
    arguments = (DTYPE, Values(x), rows, channels, *outputs, memory)
    label = f"{rows} x {channels} about {center}"
    return Case("batch_norm_moments", *arguments, expected=expected, dtype=dtype, label=label)


class Norm:
    """Inputs of a batch normalization, z kept off 0, where rounding would decide on the activation's derivative."""

    def __init__(self, rng, dtype: str, rows: int, channels: int, slope: float, has_shortcut: bool):
        self.dtype, self.shape, self.slope = dtype, (rows, channels), slope
        self.ulps = RANDOM_ULPS[dtype]
        kept = wide(dtype)
        gamma, self.beta, self.mean, variance = (rounded(rng, kept, channels) for _ in range(4))
        self.gamma, self.variance = _stored(kept, gamma + np.copysign(0.5, gamma)), _stored(kept, variance**2 + 0.5)
        self.inverse = 1 / np.sqrt(self.variance + EPSILON)
        self.scale = self.gamma * self.inverse
        self.shortcut = rounded(rng, dtype, rows, channels) if has_shortcut else None
        self.x = rounded(rng, dtype, rows, channels)
        if not has_shortcut:  # with one, the sign of the given y decides
            away = np.broadcast_to(self.mean + (0.5 - self.beta) / self.scale, self.shape)
            self.x = _stored(dtype, np.where(np.abs(self.z()) < 0.05, away, self.x))

    def z(self) -> np.ndarray:
        z = self.scale * (self.x - self.mean) + self.beta
        return z if self.shortcut is None else z + self.shortcut

    def y(self) -> np.ndarray:
        return self.z() * self.derivative(self.z())

    def derivative(self, z: np.ndarray) -> np.ndarray:
        return np.where(z > 0, 1, self.slope)

    def parameters(self) -> tuple:
        return channel_values(self.dtype, self.gamma, self.beta, self.mean, self.variance)

    def sizes(self) -> tuple:
        return (*self.shape, EPSILON, self.slope)

    def forward_case(self, memory: Scratch, options: dict) -> Case:
        shortcut = None if self.shortcut is None else Values(self.shortcut)
        inputs = (DTYPE, Values(self.x), shortcut, *self.parameters(), *self.sizes())
        return Case("batch_norm", *inputs, Result(self.shape, self.ulps), memory, expected=[self.y()], **options)

    def gradient_case(self, rng, batch_statistics: int, memory: Scratch, options: dict) -> Case:
        grad_y, y = rounded(rng, self.dtype, *self.shape), _stored(self.dtype, self.y())
        y = None if self.shortcut is None else y
        expected = self.gradients(grad_y, self.z() if y is None else y, batch_statistics)
        channels = [Out(self.shape[1], wide(self.dtype), 32) for _ in range(2)]
        outputs = (Result(self.shape, self.ulps), *channels, None if y is None else Result(self.shape, self.ulps))
        given = (Values(grad_y), Values(self.x), None if y is None else Values(y))
        arguments = (DTYPE, *given, *self.parameters(), *self.sizes(), int32(batch_statistics), *outputs, memory)
        return Case("batch_norm_grad", *arguments, expected=expected[: 3 if y is None else 4], **options)

    def gradients(self, grad_y: np.ndarray, sign: np.ndarray, batch_statistics: int) -> list[np.ndarray]:
        """Of x, gamma, beta and the shortcut."""
        grad_z, centered = grad_y * self.derivative(sign), self.x - self.mean
        grad_beta, grad_gamma = grad_z.sum(axis=0), (grad_z * centered).sum(axis=0) * self.inverse
        share = batch_statistics / max(len(grad_y), 1)
        through = share * self.scale * (self.inverse * grad_gamma * centered + grad_beta)
        return [self.scale * grad_z - through, grad_gamma, grad_beta, grad_z]


def _stored(dtype: str, array: np.ndarray) -> np.ndarray:
    """The array rounded to the element type, as float64."""
    return np.float64(widen(dtype, round_to(dtype, array)))


def refused_cases() -> Iterator[Case]:
    options = {"status": INVALID_ARGUMENT}
    memory = Scratch(1 << 20, 1 << 20)
    none = (None,) * 4
    for sizes, space in (((-1, 3), memory), ((3, 0), memory), ((300, 30), Scratch(8, 8))):
        named = {"label": str(sizes), **options}
        yield Case("batch_norm_moments", DTYPE, None, *sizes, None, None, space, **named)
        yield Case("batch_norm", DTYPE, None, None, *none, *sizes, EPSILON, 1.0, None, space, **named)
        tail = (*sizes, EPSILON, 1.0, int32(1), *none, space)
        yield Case("batch_norm_grad", DTYPE, None, None, None, *none, *tail, **named)


def timings(rng: np.random.Generator) -> Iterator[Timing]:
    for dtype in ("float32", "float16"):
        yield from norm_timings(rng, dtype)


def norm_timings(rng, dtype: str) -> Iterator[Timing]:
    rows, channels = LARGE
    options = {"dtype": dtype, "label": f"{rows} x {channels}"}
    memory, matrix = scratch("batch_norm", dtype, rows, channels), rows * channels * stored_type(dtype).itemsize
    norm = Norm(rng, dtype, rows, channels, 0.0, has_shortcut=False)
    outputs = (Out(channels, wide(dtype)), Out(channels, wide(dtype)))
    moments = Case("batch_norm_moments", DTYPE, Values(norm.x), rows, channels, *outputs, memory, **options)
    yield Timing(moments, bytes=matrix)
    yield Timing(norm.forward_case(memory, options), bytes=2 * matrix)
    yield Timing(norm.gradient_case(rng, 1, memory, options), bytes=5 * matrix)
