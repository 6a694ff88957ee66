"""Admission: whether a request may be served now. Key, scope, rate limit, quota and meter are one Redis script."""

from kv_common.admission.admission import Admission, require_admitted
from kv_common.admission.headers import rate_limit_headers
from kv_common.admission.model import (
    Charge,
    Decision,
    Facts,
    FactsSource,
    KeyRecord,
    Limits,
    Source,
    Ticket,
    Use,
    Verdict,
)

__all__ = [
    "Admission",
    "Charge",
    "Decision",
    "Facts",
    "FactsSource",
    "KeyRecord",
    "Limits",
    "Source",
    "Ticket",
    "Use",
    "Verdict",
    "rate_limit_headers",
    "require_admitted",
]
