"""The one place that renders templates: strict, so an undefined name is an error and never an empty string."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateNotFound, UndefinedError

from workflows.model.errors import Refused

DIRECTORY = Path(__file__).parent.parent / "templates"


def environment(directory: Path = DIRECTORY) -> Environment:
    """A strict environment. What is rendered is no HTML, so nothing is escaped; ``tojson`` quotes where it matters."""
    return Environment(
        loader=FileSystemLoader(directory),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def render(template: str, names: dict[str, object], *, within: Environment | None = None) -> str:
    """Render a template of the project.

    Raises:
        Refused: no such template, or it uses a name that it wasn't given.
    """
    try:
        return (within or environment()).get_template(template).render(names)
    except UndefinedError as error:
        raise Refused(f"template {template}: {error.message}; define it, nothing was rendered") from None
    except TemplateNotFound:
        raise Refused(f"there is no template {template}") from None
