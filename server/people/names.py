"""People's names as they are kept: one spelling for each."""

import re
import unicodedata

from server.kernel import codes

LONGEST = 50
_DOTS = str.maketrans(dict.fromkeys("•‧∙⋅・･", "·"))
"""What keyboards offer for the dot between the parts of a name."""
_BLANKS, _AROUND_DOTS, _BETWEEN = re.compile(r"[ \u3000]+"), re.compile(r" *· *"), re.compile(r"[ ·]")
_UNSEEN = {"\u115f", "\u1160", "\u3164", "\uffa0"}
"""Letters to Unicode, nothing to the eye."""


def normalised(text: str) -> str | None:
    """Return a name of letters, `·` and single blanks, at most `LONGEST` characters; None where it is none."""
    if codes.chinese(text):
        return text if len(text) <= LONGEST else None
    spelt = unicodedata.normalize("NFC", text).translate(_DOTS)
    name = _AROUND_DOTS.sub("·", _BLANKS.sub(" ", spelt)).strip(" ")
    letters = all(part.isalpha() for part in _BETWEEN.split(name))
    return name if letters and len(name) <= LONGEST and not _UNSEEN & set(name) else None
