"""Attribute-steered search: `axes` is NumPy alone; what fits and measures them is imported from its own file."""

from segmentation.steering.axes import (
    MATCHES,
    TENSOR_PREFIX,
    Match,
    SteeringAxes,
    read_axes,
    steer,
    steered_similarities,
)

__all__ = ["MATCHES", "TENSOR_PREFIX", "Match", "SteeringAxes", "read_axes", "steer", "steered_similarities"]
