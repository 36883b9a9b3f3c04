"""The columns of a payer's file, as it goes out and as it comes back with two of them filled in."""

from server.imports.headings import Column, Kind
from server.statements.models import RowOutcome

NUMBER, ROW, KIND, SUBJECT = "number", "row", "kind", "subject"
HOLDER, BANK, ACCOUNT = "holder", "bank", "account"
AMOUNT, PURPOSE, OUTCOME, REASON = "amount", "purpose", "outcome", "reason"

OUTCOMES = {"已支付": RowOutcome.PAID.value, "失败": RowOutcome.FAILED.value, "已抵扣": RowOutcome.PAID.value}
"""The words for what became of a row; of one that keeps money back, the last is another word for the first."""

COLUMNS = (
    Column(NUMBER, "结算单号", required=True),
    Column(ROW, "行号", required=True),
    Column(KIND, "类别"),
    Column(SUBJECT, "登记编号或事项"),
    Column(HOLDER, "户名", required=True),
    Column(BANK, "开户行", required=True),
    Column(ACCOUNT, "账号", required=True),
    Column(AMOUNT, "金额（元）", required=True, synonyms=("金额",)),
    Column(PURPOSE, "用途"),
    Column(OUTCOME, "结果", Kind.CHOICE, required=True, choices=OUTCOMES),
    Column(REASON, "原因", required=True),
)
"""What is compared must be there; the others are for whoever reads the file."""
PAYS, KEEPS_BACK = "支付", "抵扣"
