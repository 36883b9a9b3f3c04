"""Awards and what belongs to them, as the database keeps them; everything is imported from here."""

from server.awards.models.awards import ENDED, Award, AwardDecider, AwardSample, AwardState, Part, SecondCheck
from server.awards.models.clawbacks import Clawback, ClawbackState, ContestState
from server.awards.models.objections import Objection, ObjectionState
from server.awards.models.publications import Publication, PublicationFigure
from server.awards.models.runs import AwardRun, AwardRunRow, RunKind, RunOutcome, RunState

__all__ = [
    "ENDED",
    "Award",
    "AwardDecider",
    "AwardRun",
    "AwardRunRow",
    "AwardSample",
    "AwardState",
    "Clawback",
    "ClawbackState",
    "ContestState",
    "Objection",
    "ObjectionState",
    "Part",
    "Publication",
    "PublicationFigure",
    "RunKind",
    "RunOutcome",
    "RunState",
    "SecondCheck",
]
