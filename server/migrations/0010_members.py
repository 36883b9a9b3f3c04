"""Which vocational schools are members of the group: all that were ever verified, since they had students here."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

_SINCE_THEY_CAME = """
UPDATE organisation SET member_since = date(created_at)
WHERE kind = 'vocational_school' AND state NOT IN ('applied', 'rejected')"""
_SINCE_THEIR_FIRST_STUDENT = """
UPDATE organisation SET member_since = (SELECT min(entered_on) FROM enrolment WHERE school_id = organisation.id)
WHERE member_since > (SELECT min(entered_on) FROM enrolment WHERE school_id = organisation.id)"""
BEFORE_IT_WAS_ASKED = (_SINCE_THEY_CAME, _SINCE_THEIR_FIRST_STUDENT)
"""What was decided on the students of that time stays as it is."""


class Migration(migrations.Migration):
    dependencies = [("yizhitong", "0009_awards")]

    initial = False

    operations = [
        ops.AddField(model_name="Organisation", name="member_since", field=fields.DateField(null=True)),
        ops.AddField(model_name="Organisation", name="member_until", field=fields.DateField(null=True)),
        ops.RunSQL(BEFORE_IT_WAS_ASKED),
    ]
