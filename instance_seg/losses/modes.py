"""Mean-shift with a Gaussian kernel as a differentiable function, and losses that teach it its width and push.

    R regions: the points of one predicted class in one shape; N points each, padded; K instances, M seeds
    x [R, N, 3] points    z [R, M, 3] seeds    s [R] standard deviation of the kernel, of each region

A seed moves to the average of the points, weighted by the kernel around it:

    z <- sum_j p_j x_j,    p = softmax_j(-|x_j - z|^2 / 2 s^2)

As s -> 0 a seed stays on its nearest point, as s -> infinity it goes to the mean of all points.
"""

import tensorflow as tf

STEPS = 5
NUM_SEEDS = 128
SEPARATE = 0.5  # points of two instances may be as similar as that


def square_distances(z: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
    """[..., M, N] float, |z_i - x_j|^2."""
    return tf.reduce_sum((z[..., :, None, :] - x[..., None, :, :]) ** 2, axis=-1)


def gaussian_mean_shift(
    x: tf.Tensor, z: tf.Tensor, s: tf.Tensor, valid: tf.Tensor | None = None, steps: int = STEPS
) -> list[tf.Tensor]:
    """The seeds after each step, [R, M, 3] each; the points stay where they are.

    Args:
        valid: [R, N] bool; the other points are padding. None: all are points.
    """
    found = []
    for _ in range(steps):
        logits = -square_distances(z, x) / (2.0 * s[:, None, None] ** 2)
        if valid is not None:
            logits = tf.where(valid[:, None], logits, logits.dtype.min)
        z = tf.matmul(tf.nn.softmax(logits), x)
        found.append(z)
    return found


def lovasz_hinge(margin: tf.Tensor, member: tf.Tensor, valid: tf.Tensor) -> tf.Tensor:
    """The convex extension of 1 - IoU of points chosen by margin > 0 (Berman et al., CVPR 2018), [...].

    Args:
        margin: [..., N] float in [-1, 1].
        member: [..., N] bool, the points that should be chosen.
        valid: [..., N] bool; the others do not count.
    """
    sign = tf.where(member, 1.0, -tf.ones_like(margin))
    errors = tf.where(
        valid, 1.0 - sign * margin, -tf.ones_like(margin)
    )  # at least 0 for valid points, which come first
    order = tf.argsort(errors, direction="DESCENDING", stable=True)
    errors = tf.gather(errors, order, batch_dims=errors.shape.rank - 1)
    inside = tf.cast(tf.gather(member & valid, order, batch_dims=errors.shape.rank - 1), margin.dtype)
    total = tf.reduce_sum(inside, axis=-1, keepdims=True)
    outside = 1.0 - inside
    jaccard = 1.0 - (total - tf.cumsum(inside, axis=-1)) / tf.maximum(total + tf.cumsum(outside, axis=-1), 1.0)
    before = tf.concat([tf.zeros_like(jaccard[..., :1]), jaccard[..., :-1]], axis=-1)
    return tf.reduce_sum(tf.nn.relu(errors) * (jaccard - before), axis=-1)


def mode_loss(x: tf.Tensor, instance: tf.Tensor, valid: tf.Tensor, s: tf.Tensor, num_instances: int) -> tf.Tensor:
    """How badly the modes reached from the means of instances tell these instances apart, [R].

    A point belongs to mode m as far as exp(-|x - m|^2 / 2 s^2) says; of that the Lovasz hinge against the instance,
    within its region (after Neven et al., CVPR 2019, who learn a width for each instance).

    Args:
        instance: [R, N] int32 in [0, num_instances); -1 = of none of them.
    """
    member = tf.transpose(
        tf.one_hot(tf.where(valid, instance, -1), num_instances, dtype=x.dtype), [0, 2, 1]
    )  # [R, K, N]
    count = tf.reduce_sum(member, axis=2)
    means = tf.matmul(member, x) / tf.maximum(count, 1.0)[..., None]
    modes = gaussian_mean_shift(x, means, s, valid)[-1]
    belongs = tf.exp(-square_distances(modes, x) / (2.0 * s[:, None, None] ** 2))
    losses = lovasz_hinge(2.0 * belongs - 1.0, member > 0, tf.broadcast_to(valid[:, None], tf.shape(member)))
    there = tf.cast(count > 0, x.dtype)
    return tf.reduce_sum(losses * there, axis=1) / tf.maximum(tf.reduce_sum(there, axis=1), 1.0)


def pair_loss(x: tf.Tensor, instance: tf.Tensor, valid: tf.Tensor, s: tf.Tensor, num_instances: int) -> tf.Tensor:
    """How unlike points of one instance are after each step, and how alike those of two, [R].

    After Kong and Fowlkes (CVPR 2018), by the Gaussian of their distance in place of a cosine. The seeds are the first
    points of the region, whose order must be random. Instances have the same weight, whatever their size, and so have
    likeness and difference.

    Args:
        instance: as of `mode_loss`; points of no instance are like nobody.
    """
    seeds, owner = x[:, :NUM_SEEDS], tf.where(valid, instance, -1)[:, :NUM_SEEDS]
    member = tf.one_hot(owner, num_instances, dtype=x.dtype)  # [R, M, K]
    count = tf.reduce_sum(member, axis=1)
    weight = tf.reduce_sum(member / tf.maximum(count, 1.0)[:, None], axis=2)  # [R, M], sums up to 1 in each instance
    pairs = weight[:, :, None] * weight[:, None]
    same = tf.cast(owner[:, :, None] == owner[:, None], x.dtype) * pairs
    other = pairs - same
    total = 0.0
    for z in gaussian_mean_shift(x, seeds, s, valid):
        alike = tf.exp(-square_distances(z, z) / (2.0 * s[:, None, None] ** 2))
        for weights, error in ((same, 1.0 - alike), (other, tf.nn.relu(alike - SEPARATE))):
            sums = tf.reduce_sum(weights * error, axis=[1, 2])
            total += sums / tf.maximum(tf.reduce_sum(weights, axis=[1, 2]), 1e-6)
    return total / STEPS


LOSSES = {"modes": mode_loss, "pairs": pair_loss}
