"""Documents of agent holders, account numbers that go after their time, appeals found by their person."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("yizhitong", "0003_verified_organisations")]

    initial = False

    operations = [
        ops.AlterField(
            model_name="Appeal",
            name="person_id",
            field=fields.UUIDField(db_index=True),
        ),
        ops.AlterField(
            model_name="PayeeAccount",
            name="number_index",
            field=fields.CharField(null=True, db_index=True, max_length=96),
        ),
        ops.AlterField(
            model_name="PayeeAccount",
            name="number_sealed",
            field=fields.TextField(null=True, unique=False),
        ),
        ops.AddField(
            model_name="PayeeAccount",
            name="document_scan_id",
            field=fields.UUIDField(null=True),
        ),
    ]
