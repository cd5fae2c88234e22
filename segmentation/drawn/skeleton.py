"""Bodies that garments are fitted to: builds, poses and the chart of the torso.

The neck base is the origin; a figure reaches from about y = -28 (crown) to y = 146 (soles).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentation.drawn.geometry import Point, Points, between, moved, towards, turned

LEFT, RIGHT = 0, 1
SIGNS = (-1.0, 1.0)
"""Sign of x on the viewer's left and right."""

PELVIS_Y = 54.0
UPPER_ARM, FOREARM, THIGH, SHANK = 29.0, 26.0, 43.0, 40.0


@dataclass(frozen=True, slots=True)
class Build:
    """Half widths of a body in units; `torso_y` and `torso_half` are the profile from neck to crotch."""

    female: bool
    shoulder: float
    torso_y: tuple[float, ...]
    torso_half: tuple[float, ...]
    arm: tuple[float, float, float]
    """At shoulder, elbow, wrist."""
    leg: tuple[float, float, float, float]
    """At hip, knee, calf, ankle."""

    def half(self, y: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Half width of the torso at heights below the neck base."""
        return np.asarray(np.interp(y, self.torso_y, self.torso_half), dtype=np.float64)


WOMAN = Build(
    True,
    17.0,
    (0, 4, 10, 17, 22, 38, 47, 56, 63),
    (5.2, 16.5, 15.2, 14.2, 14.6, 11.4, 14.4, 16.6, 16.8),
    (4.9, 3.8, 2.6),
    (9.2, 6.0, 5.3, 3.0),
)
MAN = Build(
    False,
    20.0,
    (0, 4, 10, 17, 22, 38, 47, 56, 63),
    (6.0, 19.4, 18.4, 17.2, 17.2, 14.6, 14.8, 15.8, 16.0),
    (5.8, 4.5, 3.2),
    (9.2, 6.6, 5.9, 3.5),
)


@dataclass(frozen=True, slots=True)
class Pose:
    """Angles in degrees; limbs as (left, right) of (upper, lower), positive away from the body."""

    lean: float = 0.0
    shoulder_tilt: float = 0.0
    hip_tilt: float = 0.0
    head_tilt: float = 0.0
    arms: tuple[tuple[float, float], tuple[float, float]] = ((10.0, 6.0), (10.0, 6.0))
    legs: tuple[tuple[float, float], tuple[float, float]] = ((3.0, 2.0), (3.0, 2.0))
    pocketed: tuple[bool, bool] = (False, False)
    """Hands that have gone into a pocket."""
    front_leg: int = RIGHT
    lifted: tuple[float, float] = (0.0, 0.0)
    """Units each shank is shortened by (a foot behind looks shorter)."""


POSES: tuple[Pose, ...] = (
    Pose(0.0, 0.0, 0.0, 2.0, ((9, 5), (9, 5)), ((3, 2), (3, 2))),
    Pose(-1.5, 2.5, -3.0, -3.0, ((12, 2), (42, -38)), ((2, 1), (9, 6))),
    Pose(1.5, -2.5, 3.0, 4.0, ((44, -40), (10, 4)), ((9, 5), (2, 0))),
    Pose(0.0, 1.0, -1.5, 0.0, ((14, -16), (14, -16)), ((5, 3), (6, 4)), (True, True)),
    Pose(1.0, -1.0, 2.0, 3.0, ((8, 14), (16, -20)), ((4, 2), (7, 5)), (False, True)),
    Pose(0.5, 1.5, -2.0, -2.0, ((14, 8), (7, 16)), ((-1, -4), (6, 7)), front_leg=LEFT, lifted=(0.0, 5.0)),
    Pose(-0.5, -1.5, 2.0, 2.0, ((7, 16), (14, 8)), ((6, 7), (-1, -4)), front_leg=RIGHT, lifted=(5.0, 0.0)),
    Pose(0.0, 2.0, -2.5, 5.0, ((10, 4), (38, 150)), ((2, 1), (8, 6))),
    Pose(0.0, 0.0, 0.0, -3.0, ((41, -38), (41, -38)), ((10, 7), (10, 7))),
    Pose(1.0, 2.0, -1.0, -4.0, ((16, -62), (9, 6)), ((4, 2), (5, 4))),
)


class Skeleton:
    """Joints of one build in one pose.

    Attributes:
        shoulders, elbows, wrists, hips, knees, ankles: (left, right) points in body units.
    """

    def __init__(self, build: Build, pose: Pose) -> None:
        self.build = build
        self.pose = pose
        self.pelvis: Point = towards((0.0, 0.0), pose.lean, PELVIS_Y)
        joints = [self._limbs(side) for side in (LEFT, RIGHT)]
        self.shoulders, self.elbows, self.wrists, self.hips, self.knees, self.ankles = zip(*joints, strict=True)

    def _limbs(self, side: int) -> tuple[Point, Point, Point, Point, Point, Point]:
        sign, build, pose = SIGNS[side], self.build, self.pose
        shoulder = self.at(sign * (build.shoulder - 2.4), 6.5)
        upper, fore = pose.arms[side]
        elbow = towards(shoulder, sign * upper, UPPER_ARM)
        wrist = towards(elbow, sign * fore, FOREARM)
        hip = self.at(sign * (build.torso_half[-1] * 0.52), 57.0)
        thigh, shank = pose.legs[side]
        knee = towards(hip, sign * thigh, THIGH - 0.3 * pose.lifted[side])
        ankle = towards(knee, sign * shank, SHANK - 0.7 * pose.lifted[side])
        return shoulder, elbow, wrist, hip, knee, ankle

    def torso(self, chart: Points) -> Points:
        """From the upright torso chart (x from its centre line, y below the neck base) to the posed body."""
        x, y = chart[:, 0], chart[:, 1]
        share = np.clip(y / PELVIS_Y, 0.0, 1.0)
        fade = np.clip(1.0 - (y - 60.0) / 70.0, 0.0, 1.0)
        tilt = np.deg2rad((self.pose.shoulder_tilt * (1 - share) + self.pose.hip_tilt * share) * fade)
        centre = np.interp(y, (0.0, PELVIS_Y), (0.0, self.pelvis[0]))
        return np.stack([centre + x * np.cos(tilt), y + x * np.sin(tilt)], axis=1)

    def at(self, x: float, y: float) -> Point:
        """One point of the torso chart on the posed body."""
        placed = self.torso(np.array([[x, y]]))[0]
        return (float(placed[0]), float(placed[1]))

    def head(self, chart: Points) -> Points:
        """From the head chart (origin between the eyes) to the posed body."""
        return moved(turned(chart, self.pose.head_tilt, about=(0.0, 15.0)), 0.0, -16.5)

    def arm_spine(self, side: int, start: float, end: float, count: int) -> Points:
        """Points on the arm's bones between two distances from the shoulder."""
        return _bone((self.shoulders[side], self.elbows[side], self.wrists[side]), start, end, count)

    def leg_spine(self, side: int, start: float, end: float, count: int) -> Points:
        """Points on the leg's bones between two distances from the hip (the ankle is at THIGH + SHANK)."""
        return _bone((self.hips[side], self.knees[side], self.ankles[side]), start, end, count)


def _bone(joints: tuple[Point, Point, Point], start: float, end: float, count: int) -> Points:
    """Points along two bones whose bend is rounded over a few units."""
    first = float(np.hypot(joints[1][0] - joints[0][0], joints[1][1] - joints[0][1]))
    second = float(np.hypot(joints[2][0] - joints[1][0], joints[2][1] - joints[1][1]))
    path = []
    for s in np.linspace(start, end, count):
        ahead = joints[0:2] if s <= first else joints[1:3]
        share = s / first if s <= first else (s - first) / second
        path.append(between(ahead[0], ahead[1], share))
    spine = np.array(path)
    for _ in range(2):
        spine[1:-1] = 0.25 * spine[:-2] + 0.5 * spine[1:-1] + 0.25 * spine[2:]
    return spine


def resting(build: Build, arm_deg: float = 20.0, leg_deg: float = 3.0) -> Skeleton:
    """The body a packshot's garment keeps in shape: upright, arms a little out."""
    arms = (arm_deg, arm_deg * 0.75)
    legs = (leg_deg, leg_deg * 0.7)
    return Skeleton(build, Pose(arms=(arms, arms), legs=(legs, legs)))
