"""What a worker costs without any request: without it, the CPU time of a request would explode at night."""

import math
from dataclasses import dataclass

# Windows of a like load are one point of the line: by doublings, so that night and noon both stay known, however long either lasts.
_POINTS_MOST = 6
# Windows that a point averages over: as many as the regression over the last 20 windows would have.
_WINDOWS_MOST = 20
# Three doublings and 20 windows: with noise of 10 % in a window, the idle cost is then off by at most some percent of the busiest worker's.
_POINTS_LEAST = 3
_WINDOWS_LEAST = 20
# CPU clocks tell microseconds: what is less than one in a second is nothing.
_CORES_LEAST = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Windows with about the same load: means per worker."""

    load_rps: float
    cores: float
    windows: int

    def seeing(self, load_rps: float, cores: float) -> "Point":
        """Return the point after one more window."""
        windows = min(_WINDOWS_MOST, self.windows + 1)
        return Point(
            load_rps=self.load_rps + (load_rps - self.load_rps) / windows,
            cores=self.cores + (cores - self.cores) / windows,
            windows=windows,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleCost:
    """CPU of a worker by its load, and the straight line through it: cores = idle + demand * load."""

    points: tuple[tuple[int, Point], ...] = ()
    """By the doubling of the load, those seen last at the end."""

    def seeing(self, *, load_rps: float, cores: float) -> "IdleCost":
        """Return it after one more window; both per worker. *load_rps* is larger than 0."""
        doubling = math.frexp(load_rps)[1]
        known = dict(self.points)
        before = known.pop(doubling, None)
        known[doubling] = before.seeing(load_rps, cores) if before else Point(load_rps=load_rps, cores=cores, windows=1)
        return IdleCost(points=tuple(known.items())[-_POINTS_MOST:])

    @property
    def cores(self) -> float:
        """Cores of a worker without requests; 0 while too narrow a range of loads was seen to tell it from a request's share."""
        points = [point for _, point in self.points]
        least = min((point.cores for point in points), default=0.0)
        if least < _CORES_LEAST or len(points) < _POINTS_LEAST or sum(point.windows for point in points) < _WINDOWS_LEAST:
            return 0.0
        # The noise is a share: each point counts by its windows over its CPU squared.
        weighted = [(point.windows / point.cores**2, point.load_rps, point.cores) for point in points]
        weight = sum(w for w, _, _ in weighted)
        load_rps = sum(w * load for w, load, _ in weighted) / weight
        cores = sum(w * used for w, _, used in weighted) / weight
        spread = sum(w * (load - load_rps) ** 2 for w, load, _ in weighted)
        slope = sum(w * (load - load_rps) * (used - cores) for w, load, used in weighted) / spread
        # Never more than the idlest windows showed in all.
        return min(max(0.0, cores - slope * load_rps), least)
