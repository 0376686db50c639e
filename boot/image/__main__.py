"""``python -m boot.image --cache DIR --artifacts DIR``: build image and agent, publish them, print their records."""

import argparse
import json
import sys
from pathlib import Path

from boot.image.publish import publish_all
from boot.image.recipe import ImageRecipe
from workflows.model.errors import Refused


def main() -> int:
    """Exit 0 when all is published, 1 with one sentence when it is not."""
    parser = argparse.ArgumentParser(prog="python -m boot.image", description=__doc__)
    parser.add_argument("--cache", type=Path, required=True, help="where built parts are kept")
    parser.add_argument("--artifacts", type=Path, required=True, help="where the boot service serves from")
    given = parser.parse_args()
    try:
        published = publish_all(ImageRecipe(), given.cache, given.artifacts)
    except Refused as error:
        sys.stderr.write(f"{error}\n")
        return 1
    record = {
        "image": published.image.model_dump(mode="json"),
        "kernel": published.kernel,
        "initrd": published.initrd,
    }
    sys.stdout.write(json.dumps(record, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
