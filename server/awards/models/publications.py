"""What is made public of awards: figures of each school."""

from datetime import date, datetime
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from server.kernel.ids import new_id
from server.organisations.models import Organisation


class Publication(Model):
    """Awards made public as figures of each school, from `starts_on` to `ends_on`, both included."""

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    programme = fields.CharField(max_length=64)
    year = fields.IntField()
    starts_on: date = fields.DateField()
    ends_on: date = fields.DateField()
    made_by_id: UUID = fields.UUIDField()
    made_at: datetime = fields.DatetimeField()

    class Meta:
        table = "publication"
        indexes = (("year", "id"),)


class PublicationFigure(Model):
    """What a publication says of one school. Append-only."""

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    publication: fields.ForeignKeyRelation[Publication] = fields.ForeignKeyField(
        "yizhitong.Publication", related_name="figures", on_delete=fields.RESTRICT
    )
    publication_id: UUID
    payee: fields.ForeignKeyRelation[Organisation] = fields.ForeignKeyField(
        "yizhitong.Organisation", related_name="publicised", on_delete=fields.RESTRICT
    )
    payee_id: UUID
    awards = fields.IntField()
    amount_fen = fields.BigIntField()

    class Meta:
        table = "publication_figure"
        unique_together = (("publication", "payee"),)
