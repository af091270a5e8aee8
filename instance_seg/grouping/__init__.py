"""How the points of a batch become proposals inside of a system's graph, training included."""
