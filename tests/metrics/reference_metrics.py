"""PartNet's measures written plainly: boolean masks, loops and lists, nothing shared with instance_seg.metrics.

Slow and literal on purpose; the tests hold the fast code against it. Everything is in percent, like the original.
"""

import math
from collections import Counter

import numpy as np


def reference_ap(flags, num_gt, arithmetic="float32"):
    """AP of a ranked list of flags: interpolated precision, looked up level by level.

    In float32 a recall reaches a level exactly when the fraction reaches the hundredths, which integers can tell.
    """
    if not flags or num_gt == 0:
        return 0.0
    points = [(0, 1.0)]
    for n in range(1, len(flags) + 1):
        true_positives = sum(flags[:n])
        points.append((true_positives, true_positives / n))
    total = 0.0
    for hundredths, level in enumerate(np.arange(0, 1.01, 0.01)):
        if arithmetic == "float32":
            reached = [precision for found, precision in points if 100 * found >= hundredths * num_gt]
        else:
            reached = [precision for found, precision in points if found / num_gt >= level]
        total += max(reached, default=0.0)
    return total / 101


def _mode(values):
    counts = Counter(int(v) for v in values)
    return min(counts, key=lambda value: (-counts[value], value))


def _flags(predictions, truths, threshold):
    """[(class, confidence, hit)] in descending confidence; predictions and truths hold (class, mask[, confidence])."""
    used, flags = set(), []
    for label, mask, confidence in sorted(predictions, key=lambda prediction: -prediction[2]):
        best, best_iou = None, -1.0
        for g, (gt_label, gt_mask) in enumerate(truths):
            if gt_label != label or g in used:
                continue
            union = np.logical_or(mask, gt_mask).sum()
            iou = np.logical_and(mask, gt_mask).sum() / union if union else 0.0
            if iou > best_iou:
                best, best_iou = g, iou
        hit = best_iou > threshold
        if hit:
            used.add(best)
        flags.append((label, confidence, hit))
    return flags


def author_instances(shape, min_points=10):
    """(predictions, truths) of one shape in the authors' variant, or None without labeled points."""
    keep = [i for i in range(len(shape.gt_semantic)) if shape.gt_semantic[i] != 0]
    if not keep:
        return None
    gt_sem, gt_ins = shape.gt_semantic[keep], shape.gt_instance[keep]
    sem, ins, entropy = shape.semantic[keep], shape.instance[keep], shape.entropy[keep].astype(np.float64)
    truths = [(_mode(gt_sem[gt_ins == i]), gt_ins == i) for i in sorted(set(gt_ins.tolist()))]
    predictions = []
    for i in sorted(set(ins.tolist())):
        mask = ins == i
        label = _mode(sem[mask])
        if i >= 0 and label != 0 and mask.sum() > min_points:
            predictions.append((label, mask, np.float32(1.0 - math.fsum(entropy[mask]) / mask.sum())))
    return predictions, truths


def official_instances(shape):
    """(predictions, truths) of one shape given as masks."""
    predictions = []
    for mask, label, valid, confidence in zip(shape.mask, shape.label, shape.valid, shape.confidence):
        if valid:
            predictions.append((int(label) + 1, np.logical_and(mask, np.logical_not(shape.gt_other)), confidence))
    truths = [(int(label) + 1, m) for m, label, valid in zip(shape.gt_mask, shape.gt_label, shape.gt_valid) if valid]
    return predictions, truths


def part_aps(shapes, num_classes, threshold):
    """{class: (AP in percent, number of instances)} for the classes that the ground truth has."""
    ranked = [flag for predictions, truths in shapes for flag in _flags(predictions, truths, threshold)]
    result = {}
    for label in range(1, num_classes):
        num_gt = sum(gt_label == label for _, truths in shapes for gt_label, _ in truths)
        if num_gt:
            own = sorted((flag for flag in ranked if flag[0] == label), key=lambda flag: -flag[1])
            result[label] = (100 * reference_ap([hit for _, _, hit in own], num_gt), num_gt)
    return result


def shape_ap(shapes, threshold=0.5):
    """s-AP in percent."""
    values = []
    for predictions, truths in shapes:
        flags = _flags(predictions, truths, threshold)
        gt_labels = [gt_label for gt_label, _ in truths]
        classes = set(gt_labels) | {label for label, _, _ in flags}
        if classes:
            aps = [reference_ap([hit for own, _, hit in flags if own == c], gt_labels.count(c)) for c in classes]
            values.append(sum(aps) / len(aps))
    return 100 * sum(values) / len(values)


def mean_ious(shapes, num_classes):
    """(v2 pooled, v1, v3) in percent, from the points that have a ground-truth class."""
    pairs = [(shape.gt_semantic[shape.gt_semantic > 0], shape.semantic[shape.gt_semantic > 0]) for shape in shapes]
    pairs = [pair for pair in pairs if len(pair[0])]

    def iou(gt, predicted, label, epsilon=0.0):
        both = np.sum((gt == label) & (predicted == label))
        return both / (np.sum((gt == label) | (predicted == label)) + epsilon)

    gt, predicted = (np.concatenate(arrays) for arrays in zip(*pairs))
    pooled = sum(iou(gt, predicted, c, 1e-5) for c in range(1, num_classes)) / len(set(gt.tolist()))
    version1 = [np.mean([iou(g, p, c) for c in set(g.tolist())]) for g, p in pairs]
    version3 = [np.mean([iou(g, p, c) for c in set(g.tolist()) | set(p.tolist())]) for g, p in pairs]
    return 100 * pooled, 100 * np.mean(version1), 100 * np.mean(version3)
