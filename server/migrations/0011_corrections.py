"""Entries of money that came back can be turned round, and what came back can come back or be awarded again."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

from server.funds.models import EntryKind
from server.statements.models import RowOutcome


class Migration(migrations.Migration):
    dependencies = [("yizhitong", "0010_members")]

    initial = False

    operations = [
        ops.RunSQL(
            [
                "DROP INDEX IF EXISTS statement_bank_return_once",
                "DROP INDEX IF EXISTS award_referral_once",
            ]
        ),
        ops.AlterField(
            model_name="LedgerEntry",
            name="kind",
            field=fields.CharEnumField(
                description="APPROPRIATE: appropriate\nREDUCE: reduce\nRESERVE: reserve\nRELEASE: release\nCOMMIT: commit\nUNCOMMIT: uncommit\nSPEND: spend\nBANK_RETURN: bank_return\nUNDO_RETURN: undo_return\nRECOVER: recover\nUNDO_RECOVER: undo_recover\nWRITE_OFF: write_off\nREVIVE: revive\nLAPSE: lapse\nCARRY_OUT: carry_out\nCARRY_IN: carry_in",
                enum_type=EntryKind,
                max_length=16,
            ),
        ),
        ops.AlterModelOptions(
            name="StatementResult",
            options={
                "table": "statement_result",
                "app": "yizhitong",
                "pk_attr": "id",
                "table_description": "What came back for one row. Append-only. A row is paid or failed once.",
            },
        ),
        ops.AlterField(
            model_name="StatementResult",
            name="outcome",
            field=fields.CharEnumField(
                description="PAID: paid\nFAILED: failed\nBANK_RETURNED: bank_returned\nRETURN_UNDONE: return_undone",
                enum_type=RowOutcome,
                max_length=16,
            ),
        ),
    ]
