"""What a process is given before it has to do with notices: when pushes go out, and what is said."""

from pathlib import Path

from server.notices import catalogue, quiet


def begin(content_dir: Path) -> None:
    """Give this process the rules and the catalogue in a folder of content; raises ContentError."""
    quiet.use(quiet.load(content_dir))
    catalogue.use(catalogue.load(content_dir))
