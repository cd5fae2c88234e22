"""Attribute-steered search. What steers (`axes`) is NumPy alone; what fits and measures axes is imported by its name."""

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
