"""How a CycleGAN is trained, as data."""

import json
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

from artnb.errors import TRUE_OR_FALSE, Allowed, check_setting, check_settings, number, one_of, whole
from artnb.settings import Profile, known_profile

Generator = Literal["resnet", "unet", "painter"]
Discriminator = Literal["patch", "projected"]


@dataclass(frozen=True)
class CycleRecipe:
    """The settings of a training (Zhu et al., ICCV 2017, section 4 and appendix 7.1, where nothing else is said).

    Attributes:
        size: height and width in pixels of the squares that it is trained on, cut at random out of larger pictures; a
            multiple of 4. The finished generators take any size.
        margin: pictures are read so many times larger than the squares that are cut out of them.
        generator: "resnet", "unet" or "painter": the fast painter's, which sees noise and paints in logits.
        width: channels of the generators' first layer.
        depth: residual blocks of "resnet" and "painter"; halvings of "unet".
        residual: whether the generators paint changes instead of whole pictures, which is learned in far fewer steps;
            "painter" always does.
        discriminator: "patch", the paper's, or "projected", which judges the features of an ImageNet network.
        discriminator_width: channels of the first layer of "patch"; of the heads of "projected".
        mixing: whether "projected" mixes the features at random first, across channels and depths, so that no single
            one of them decides (Sauer et al., "Projected GANs Converge Faster", NeurIPS 2021, section 3.2).
        cycle: weight of the cycle loss, λ.
        identity: weight of the identity loss, as a share of λ (section 5.2, which takes a half); 0 saves its passes.
        learning_rate: of Adam, for all four networks.
        discriminator_rate: the discriminators' own, as a share of `learning_rate`: where a training is short, judges
            that learn faster give the generators something to learn from (Heusel et al., NIPS 2017).
        steps: batches in all.
        decay_from: the share of the steps after which the learning rate falls, in a line, to 0.
        batch_size: photographs, and as many paintings, in each step.
        average: of the generators' weights over past steps, how much of the old average is left after a step; what is
            kept, shown and measured is the average (Karras et al., "Progressive Growing of GANs", ICLR 2018); 0 for
            the weights as they are.
        pool: how many generated pictures of the past the discriminators are shown (Shrivastava et al., CVPR 2017).
        augment: whether the discriminators see everything moved and with a square cut out (Zhao et al.,
            "Differentiable Augmentation for Data-Efficient GAN Training", NeurIPS 2020): a few hundred paintings are
            few enough to be learned by heart.
    """

    size: int = 128
    margin: float = 1.12  # the paper's 286 / 256
    generator: Generator = "resnet"
    width: int = 32
    depth: int = 6
    residual: bool = True
    discriminator: Discriminator = "patch"
    discriminator_width: int = 32
    mixing: bool = False
    cycle: float = 10.0
    identity: float = 0.5
    learning_rate: float = 2e-4
    discriminator_rate: float = 1.0
    steps: int = 20_000
    decay_from: float = 0.5
    batch_size: int = 1
    average: float = 0.0
    pool: int = 50
    augment: bool = True

    def __post_init__(self) -> None:
        """Say at once what can't be used."""
        check_settings(self, _ALLOWED)
        unet = self.generator == "unet"
        check_setting(not unet or self.depth <= 8, "depth", self.depth, "a whole number from 1 to 8 with a U-Net")
        multiple = max(self.multiple, 16 if self.discriminator == "projected" else 4)
        check_setting(self.size % multiple == 0, "size", self.size, f"a multiple of {multiple} with such networks")

    @property
    def multiple(self) -> int:
        """What the sides of the generators' pictures are multiples of."""
        return 2**self.depth if self.generator == "unet" else 4

    def to_dict(self) -> dict[str, Any]:
        """All of it, as JSON gives it back."""
        return json.loads(json.dumps(asdict(self)))


_POSITIVE, _WEIGHT = number(lambda rate: rate > 0, "above 0"), number(lambda weight: weight >= 0, "from 0 on")
_ALLOWED = {
    "size": Allowed(lambda size: whole(32, 1024).good(size) and size % 4 == 0, "a multiple of 4 from 32 to 1024"),
    "margin": number(lambda factor: 1 <= factor <= 8, "from 1 to 8"),
    "generator": one_of(*get_args(Generator)),
    "width": whole(1, 256),
    "depth": whole(1, 64),
    "residual": TRUE_OR_FALSE,
    "discriminator": one_of(*get_args(Discriminator)),
    "discriminator_width": whole(1, 256),
    "mixing": TRUE_OR_FALSE,
    "cycle": _WEIGHT,
    "identity": _WEIGHT,
    "learning_rate": _POSITIVE,
    "discriminator_rate": number(lambda share: 0 < share <= 100, "above 0, at most 100"),
    "steps": whole(1, 10_000_000),
    "decay_from": number(lambda share: 0 <= share <= 1, "from 0 to 1"),
    "batch_size": whole(1, 64),
    "average": number(lambda share: 0 <= share < 1, "from 0 to less than 1"),
    "pool": whole(0, 1000),
    "augment": TRUE_OR_FALSE,
}


def cycle_recipe(profile: Profile | None = None) -> CycleRecipe:
    """Ours: in full, squares of 128 pixels and about an hour and a half; in the quick profile, a small one for a look.

    Raises:
        RecipeError: there is no such profile.
    """
    # The paper's λ of 10 is for generators that paint whole pictures. Ours paint a change that is zero at first, so the
    # cycle loss is zero as well; at 10 it would keep the change there, but for a few bright spots that cost it little.
    profile = known_profile(profile)
    full = CycleRecipe(
        margin=2.24,
        generator="painter",
        width=24,
        depth=4,
        discriminator="projected",
        discriminator_width=64,
        mixing=True,
        cycle=1.0,
        steps=12_000,
        average=0.999,
        augment=False,
    )
    if profile == "full":
        return full
    return replace(
        full,
        size=64,
        margin=1.12,
        width=16,
        depth=3,
        discriminator_width=32,
        cycle=0.5,
        learning_rate=5e-4,
        steps=200,
        average=0.9,
    )
