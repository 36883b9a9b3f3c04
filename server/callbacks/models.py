"""The events that WeChat has sent, each once."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from server.kernel.ids import new_id


class Account(StrEnum):
    """Whose callback was called."""

    MINI_PROGRAM = "mini_program"
    SERVICE_ACCOUNT = "service_account"


class WeChatEvent(Model):
    """One event. `fingerprint` is the same for a repetition, `handled_at` is set when its work is done."""

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    account = fields.CharEnumField(Account, max_length=32)
    fingerprint = fields.CharField(max_length=64, unique=True)
    name = fields.CharField(max_length=64)
    openid = fields.CharField(max_length=64)
    payload: dict[str, Any] = fields.JSONField()
    received_at: datetime = fields.DatetimeField(db_index=True)
    handled_at: datetime | None = fields.DatetimeField(null=True)

    class Meta:
        table = "wechat_event"
