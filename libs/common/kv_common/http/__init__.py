"""The HTTP interface of every service: payload format 2.0, one error model, one log line per request."""

from kv_common.http.app import Api
from kv_common.http.request import Request
from kv_common.http.response import Response, json_response, no_content

__all__ = ["Api", "Request", "Response", "json_response", "no_content"]
