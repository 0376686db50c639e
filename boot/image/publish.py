"""Builds what a boot service serves and publishes it: the disk image, the agent's kernel and initramfs."""

from dataclasses import dataclass
from pathlib import Path

from boot.agent.build import build_agent
from boot.artifacts import publish
from boot.image.build import build_image
from boot.image.recipe import ImageRecipe
from workflows.model.profile import Image


@dataclass(frozen=True, slots=True)
class Published:
    """The image's record, and the agent's files by their names among the artifacts."""

    image: Image
    kernel: str
    initrd: str


def publish_all(recipe: ImageRecipe, cache: Path, artifacts: Path) -> Published:
    """Build, or take from the cache, and publish. About a minute when it builds.

    Raises:
        Refused: not root, a program is missing, or a build command failed.
    """
    built = build_image(recipe, cache)
    agent = build_agent(built, cache)
    publish(built.file, artifacts, built.image.sha256)
    return Published(
        built.image,
        kernel=publish(agent.kernel, artifacts, agent.kernel.name),
        initrd=publish(agent.initrd, artifacts, agent.initrd.name),
    )
