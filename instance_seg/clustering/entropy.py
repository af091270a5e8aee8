"""How sure a semantic prediction is; instance scores are made of it."""

import numpy as np


def entropy(probabilities: np.ndarray) -> np.ndarray:
    """Entropy in nats of each row: probabilities [N, S] -> [N] float32; 0 log 0 = 0."""
    p = np.asarray(probabilities, np.float32)
    return -np.sum(p * np.log(np.where(p > 0, p, np.float32(1))), axis=1)


def entropy_of_logits(logits: np.ndarray) -> np.ndarray:
    """Entropy in nats of softmax(logits): [N, S] -> [N] float32."""
    z = np.asarray(logits, np.float32)
    z = z - z.max(axis=1, keepdims=True)
    e = np.exp(z)
    total = e.sum(axis=1)
    return np.log(total) - np.sum(e * z, axis=1) / total
