"""How a CycleGAN is trained, as data."""

import json
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

from artnb.errors import check_setting
from artnb.settings import Profile, settings

Generator = Literal["resnet", "unet"]
Discriminator = Literal["patch", "projected"]


@dataclass(frozen=True)
class CycleRecipe:
    """The settings of a training (Zhu et al., ICCV 2017, section 4 and appendix 7.1, where nothing else is said).

    Attributes:
        size: height and width in pixels of the squares that it is trained on, cut at random out of slightly larger
            pictures; a multiple of 4. The finished generators take any size.
        generator: "resnet" or "unet".
        width: channels of the generators' first layer.
        depth: residual blocks of "resnet"; halvings of "unet".
        residual: whether the generators paint changes instead of whole pictures, which is learned in far fewer steps.
        discriminator: "patch", the paper's, or "projected", which looks through an ImageNet network.
        discriminator_width: channels of the first layer of "patch"; of the heads of "projected".
        cycle: weight of the cycle loss, λ.
        identity: weight of the identity loss, as a share of λ (section 5.2, which takes a half).
        learning_rate: of Adam, for all four networks.
        discriminator_rate: the discriminators' own, as a share of `learning_rate`: where a training is short, judges
            that learn faster give the generators something to learn from (Heusel et al., NIPS 2017).
        steps: batches in all.
        decay_from: the share of the steps after which the learning rate falls, in a line, to 0.
        batch_size: photographs, and as many paintings, in each step.
        pool: how many generated pictures of the past the discriminators are shown (Shrivastava et al., CVPR 2017).
        augment: whether the discriminators see everything moved and with a square cut out (Zhao et al.,
            "Differentiable Augmentation for Data-Efficient GAN Training", NeurIPS 2020): a few hundred paintings are
            few enough to be learned by heart.
    """

    size: int = 128
    generator: Generator = "resnet"
    width: int = 32
    depth: int = 6
    residual: bool = True
    discriminator: Discriminator = "patch"
    discriminator_width: int = 32
    cycle: float = 10.0
    identity: float = 0.5
    learning_rate: float = 2e-4
    discriminator_rate: float = 1.0
    steps: int = 20_000
    decay_from: float = 0.5
    batch_size: int = 1
    pool: int = 50
    augment: bool = True

    def __post_init__(self) -> None:
        """Say at once what can't be used."""
        for name, good, allowed in (
            ("size", 32 <= self.size <= 1024 and self.size % 4 == 0, "a multiple of 4 from 32 to 1024"),
            ("generator", self.generator in get_args(Generator), " or ".join(map(repr, get_args(Generator)))),
            (
                "discriminator",
                self.discriminator in get_args(Discriminator),
                " or ".join(map(repr, get_args(Discriminator))),
            ),
            ("width", 1 <= self.width <= 256, "from 1 to 256"),
            ("discriminator_width", 1 <= self.discriminator_width <= 256, "from 1 to 256"),
            ("cycle", 0 <= self.cycle < float("inf"), "a number from 0 on"),
            ("identity", 0 <= self.identity < float("inf"), "a number from 0 on"),
            ("learning_rate", 0 < self.learning_rate < float("inf"), "a number above 0"),
            ("discriminator_rate", 0 < self.discriminator_rate <= 100, "a number above 0, at most 100"),
            ("steps", 1 <= self.steps <= 10_000_000, "from 1 to 10000000"),
            ("decay_from", 0 <= self.decay_from <= 1, "from 0 to 1"),
            ("batch_size", 1 <= self.batch_size <= 64, "from 1 to 64"),
            ("pool", 0 <= self.pool <= 1000, "from 0 to 1000"),
        ):
            check_setting(good, name, getattr(self, name), allowed)

    @property
    def multiple(self) -> int:
        """What the sides of the generators' pictures are multiples of."""
        return 4 if self.generator == "resnet" else 2**self.depth

    def to_dict(self) -> dict[str, Any]:
        """All of it, as JSON gives it back."""
        return json.loads(json.dumps(asdict(self)))


def cycle_recipe(profile: Profile | None = None) -> CycleRecipe:
    """Ours: in full, 128 pixels and about an hour on two cores; in the quick profile, a small one for a look."""
    # The paper's λ of 10 is for generators that paint whole pictures. Ours paint a change that is zero at first, so the
    # cycle loss is zero as well; at 10 it would keep the change there, but for a few bright spots that cost it little.
    profile = profile or settings.profile
    full = CycleRecipe(
        width=24,
        depth=4,
        discriminator="projected",
        discriminator_width=64,
        cycle=0.3,
        steps=4_000,
        augment=False,
    )
    if profile == "full":
        return full
    return replace(full, size=64, width=16, depth=3, discriminator_width=32, learning_rate=5e-4, steps=200)
