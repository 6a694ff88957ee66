"""Admission: whether a request may be served now. Key, scope, rate limit, quota and meter are one Redis script."""

from kv_common.admission.headers import rate_limit_headers
from kv_common.admission.model import (
    AdmissionData,
    AdmissionDataSource,
    AdmissionRequest,
    Charge,
    Decision,
    KeyRecord,
    Limits,
    Source,
    Usage,
    Verdict,
)
from kv_common.admission.service import Admission, require_admitted

__all__ = [
    "Admission",
    "AdmissionData",
    "AdmissionDataSource",
    "AdmissionRequest",
    "Charge",
    "Decision",
    "KeyRecord",
    "Limits",
    "Source",
    "Usage",
    "Verdict",
    "rate_limit_headers",
    "require_admitted",
]
