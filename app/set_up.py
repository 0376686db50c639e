"""The commands that set a site up: ``netbox init``, ``image build``, ``image import``, ``doctor``."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from app.config import BootConfig, Config
from frontends.cli.exits import NOT_WELL, OK
from frontends.cli.output import console, print_json, table
from workflows.drivers.secrets import FileSecrets
from workflows.engine.secret_field import secret_field
from workflows.model.errors import BadInput

DryRun = Annotated[bool, typer.Option("--dry-run", help="say what would be made, make nothing")]
Print = Annotated[bool, typer.Option("--print", help="print it as a ticket for NetBox's administrators")]
Hook = Annotated[str | None, typer.Option("--hook-url", help="where NetBox reaches our webhook endpoint")]
Token = Annotated[
    str | None, typer.Option("--token-secret", help="reference of an administrator's token for this once")
]
Cache = Annotated[Path | None, typer.Option("--cache", help="where what was built is kept")]
ImageFile = Annotated[Path, typer.Argument(help="the image: raw or qcow2, told by its content")]
ImageName = Annotated[str | None, typer.Option("--name", help="what the record calls it; the file's name by default")]
Root = Annotated[
    str | None, typer.Option("--root", help="partition number or UUID of the root file system, where it isn't clear")
]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON instead of a table")]


def add_set_up(cli: typer.Typer, config: Callable[[], Config]) -> None:
    """Add the commands."""
    netbox = typer.Typer(help="What bringup needs in NetBox.", no_args_is_help=True)
    image = typer.Typer(help="Disk images and the RAM-disk agent.", no_args_is_help=True)
    cli.add_typer(netbox, name="netbox")
    cli.add_typer(image, name="image")

    # Typer makes a group of a sub-application only where it has a callback or two commands.
    @netbox.callback()
    def _netbox() -> None: ...

    @netbox.command("init")
    def netbox_init(
        dry_run: DryRun = False, as_text: Print = False, hook_url: Hook = None, token_secret: Token = None
    ) -> None:
        """Make custom fields, tags, custom links, webhook and event rule; as often as you like."""
        _netbox_init(config(), dry_run, as_text, hook_url, token_secret)

    @image.command("build")
    def image_build(cache: Cache = None) -> None:
        """Build the Debian image and the agent (root), publish both as artifacts, and print the release's image record."""
        _image_build(config(), cache)

    @image.command("import")
    def image_import(file: ImageFile, name: ImageName = None, root: Root = None) -> None:
        """Publish a raw or qcow2 cloud image (with cloud-init) as an artifact, and print the release's image record."""
        from boot.image.import_image import import_image

        settings = config()
        image = import_image(file, _boot(settings).artifacts, settings.data / "images", name=name, root=root)
        print_json({"image": image.model_dump(mode="json")})

    @cli.command("doctor")
    def check(as_json: AsJson = False) -> None:
        """Prove each link of this site: configuration, secrets, profiles, NATS, denials included, NetBox, artifacts."""
        from app.checks import doctor

        found = asyncio.run(doctor(config()))
        if as_json:
            print_json([{"check": c.name, "well": c.well, "said": c.said} for c in found])
        else:
            console().print(
                table("", ("check", "", ""), [[c.name, "ok" if c.well else "NOT OK", c.said] for c in found])
            )
        raise typer.Exit(OK if all(c.well for c in found) else NOT_WELL)


def _netbox_init(config: Config, dry_run: bool, as_text: bool, hook_url: str | None, token: str | None) -> None:
    from app.inventory import netbox_api
    from inventory_sync.netbox_setup import as_ticket, ensure, wanted

    if config.netbox is None:
        raise BadInput("the configuration has no section netbox")
    secrets = FileSecrets(config.secrets)
    hook = hook_url or f"http://{config.netbox.webhook_listen}"
    key = secret_field(secrets, config.netbox.webhook_secret, "key")
    items = wanted(config.netbox.sync, hook, key)
    if as_text:
        typer.echo(as_ticket(items, config.netbox.sync))
        return
    if token is not None:
        config = config.model_copy(update={"netbox": config.netbox.model_copy(update={"token": token})})
    for line in asyncio.run(ensure(netbox_api(config, secrets), items, dry_run=dry_run)) or ["nothing to do"]:
        typer.echo(f"would {line}" if dry_run and line != "nothing to do" else line)


def _boot(config: Config) -> BootConfig:
    if config.boot is None:
        raise BadInput("the configuration has no section boot: it names the artifacts' directory")
    return config.boot


def _image_build(config: Config, cache: Path | None) -> None:
    from boot.agent.build import build_agent
    from boot.artifacts import publish
    from boot.image.build import build_image
    from boot.image.recipe import ImageRecipe

    boot, place = _boot(config), cache or config.data / "images"
    built = build_image(ImageRecipe(), place)
    agent = build_agent(built, place)
    publish(built.file, boot.artifacts)
    publish(agent.kernel, boot.artifacts, boot.kernel)
    publish(agent.initrd, boot.artifacts, boot.initrd)
    print_json({"image": built.image.model_dump(mode="json")})
