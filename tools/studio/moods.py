"""The moods: the colours of a time of day, a season or a weather, which all the painters share."""

from dataclasses import dataclass

import numpy as np

from tools.studio.strokes import Array, colours


@dataclass(frozen=True)
class Mood:
    """The colours of one mood, float32 (3,) each. Painters share them, so colour gives nobody away."""

    zenith: Array
    glow: Array
    sun: Array
    far: Array
    land: Array
    deep: Array
    accents: Array  # (3, 3), the strong colours

    def tuned(self, rng: np.random.Generator) -> "Mood":
        """The same mood on another day: each colour a little off, and all of them a little lighter or darker."""
        plain = np.stack([self.zenith, self.glow, self.sun, self.far, self.land, self.deep])
        cast, gain = rng.normal(0, 0.035, 3), rng.uniform(0.86, 1.1)
        mine = np.concatenate([plain, rng.permutation(self.accents)]) * gain + cast + rng.normal(0, 0.025, (9, 3))
        return Mood.of(np.clip(mine, 0, 1).astype(np.float32))

    @classmethod
    def of(cls, nine: Array) -> "Mood":
        """A mood from its nine colours, (9, 3), the accents last."""
        return cls(*nine[:6], nine[6:])  # type: ignore[call-arg]


_MOODS = """
          zenith glow   sun    far    land   deep   accents
dawn      7f9cc7 f9d3b0 fff1d0 a89bc0 7d8a5e 3f4468 e8836b f4d58d c05a7a
noon      3f8fd0 d4ebf2 fffbe8 7fa8b8 7fae4a 24504a e2483d f2c230 f4f1e6
harvest   6ba3b8 f6dc9a fff0b8 b9a578 c2963f 4f3d2c d9572c f0b63c 6f9258
dusk      3b3a78 f08a5a ffd79a 7a4f80 5f4c5f 231f42 f25c54 f7b267 8d5ecb
night     10214a 3c6d9a f7ecb8 28487a 24485a 0b142c f2c14e 7fb7d6 d1495b
autumn    9db4c0 f3dfb8 fff2d0 a48a6c c46a2b 4a2c22 d62828 f4a32c 8a9a3a
winter    93aecb eef1f2 ffffff aebfd2 e0e7ee 4c617f b5534a d9a441 3f6f7a
spring    8fcbe0 f6efda fffdf0 a6c8a8 9cc45a 356650 f08fb0 f7d154 a974d6
storm     46586a c9cdbf efe8c8 5f7480 69774f 222a33 b0452f d0a84b 7fa0b0
lagoon    1f8a9c c9efe0 fff6d5 4fa3a8 d9c48a 0f4658 ff7f51 ffd166 12b594
rose      b9809f fbe0d8 fff3e0 b78aa8 c07a6a 4f2a48 d94f70 f2b880 5f9484"""
MOODS = {line.split()[0]: Mood.of(colours(line.split(maxsplit=1)[1])) for line in _MOODS.splitlines()[2:]}
