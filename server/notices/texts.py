"""How `content/notices` is written."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field

from server.kernel.content import Content
from server.notices.models import Service

AT = "at"
"""Under this name every kind says when it happened."""
MOST_HOURS = 24 * 60
"""So long at most anything is worth a push."""
Line = Annotated[str, Field(min_length=1)]
TemplateId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Environment = Literal["development", "production"]


class Template(Content):
    """A template of one of the two accounts. `keys` are WeChat's, each with the part of what is said that fills it.

    `ids` are by environment, null until the operator has one: then the inbox alone. A `long_term` one uses no
    permission up. `asked_at` are the taps at which the client asks for permission. `note` says what to apply for.
    """

    name: str = ""
    service: Service
    note: Line
    ids: dict[Environment, TemplateId | None]
    keys: Annotated[dict[str, Line], Field(min_length=1)]
    long_term: bool = False
    asked_at: tuple[Line, ...] = ()

    def id_in(self, environment: str) -> str | None:
        """Return its id where the process runs, None where there is none yet."""
        return next((id_ for name, id_ in self.ids.items() if name == environment), None)


class Wording(Content):
    """What the inbox says and where it leads, and under `say` what a push says, part by part."""

    title: Line
    text: Line
    page: str = ""
    say: dict[str, Line] = Field(default_factory=dict)

    def over(self, page: str, say: Mapping[str, str]) -> Self:
        """Return it with what it leaves out."""
        return self.model_copy(update={"page": self.page or page, "say": {**say, **self.say}})


class KindText(Wording):
    """What one audience is told of one event; of many of them at once `together`, which knows `count` and `at` alone.

    `worth_hours` is how long that is worth a push. `templates` are at most one of each account.
    """

    priority: Literal["urgent", "usual", "digest", "bulk"] = "usual"
    worth_hours: Annotated[int, Field(gt=0, le=MOST_HOURS)]
    templates: tuple[str, ...] = ()
    together: Wording | None = None


class TopicText(Content):
    """`content/notices/<topic>.yaml`: by event and audience what is said of one kind of subject.

    `page` is where it leads.
    """

    about: Line
    page: Line
    kinds: dict[str, dict[str, KindText]]


class Shared(Content):
    """`content/notices/shared.yaml`: the edition, the templates, and words for codes and for what is missing."""

    edition: Annotated[str, Field(pattern=r"^\d{4}-\d{2}$")]
    templates: dict[str, Template]
    words: dict[str, dict[str, dict[str, Line]]]
