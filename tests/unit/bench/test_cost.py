"""The cost model multiplies measured figures by prices, and its lines add up."""

from __future__ import annotations

import pytest

from bench.cost import GATEWAY_LOG_BYTES, LAMBDA_LOG_BYTES, Model, load_prices, sensitivity
from bench.results import load
from kv_common.plans import CATALOG


@pytest.fixture(scope="module")
def model() -> Model:
    return Model(load(), load_prices())


def test_every_price_has_a_source(model: Model) -> None:
    prices = model.prices.prices

    assert {name for name, price in prices.items() if not price.source.startswith("https://")} == set()
    assert all(price.usd > 0 for price in prices.values())


@pytest.mark.parametrize("log_bytes", [0, GATEWAY_LOG_BYTES])
def test_http_api_costs_its_requests_and_log_lines_more_than_a_function_url(model: Model, log_bytes: float) -> None:
    logging = model.with_(gateway_log_bytes=log_bytes)
    http_api, function_url = (sum(logging.request("get", gateway=gateway).values()) for gateway in (True, False))

    log_line = log_bytes * 1e6 / 1e9 * model.prices["logs_gb"]
    assert http_api - function_url == pytest.approx(model.prices["http_api_million"] + log_line)


def test_request_logs_one_line_by_default(model: Model) -> None:
    assert model.results.hot_path is not None
    line = model.results.hot_path.get.log_bytes + 26

    assert model.request("get", gateway=True)["Logs"] == pytest.approx(line / 1e3 * model.prices["logs_gb"])


def test_optional_logs_are_added_to_our_line(model: Model) -> None:
    default = model.request("get", gateway=False)["Logs"]

    more = model.with_(lambda_log_bytes=LAMBDA_LOG_BYTES).request("get", gateway=False)["Logs"]
    assert more - default == pytest.approx(LAMBDA_LOG_BYTES / 1e3 * model.prices["logs_gb"])
    assert model.with_(own_log=0).request("get", gateway=False)["Logs"] == 0


def test_strong_read_costs_twice_an_eventual_one(model: Model) -> None:
    strong = model.request("get", gateway=True)["DynamoDB"]

    assert strong == pytest.approx(model.prices["dynamodb_read_million"])
    assert model.with_(eventual_reads=True).request("get", gateway=True)["DynamoDB"] == pytest.approx(strong / 2)


def test_requests_of_a_minute_share_its_metering_cost(model: Model) -> None:
    alone, among_ten = model.with_(per_minute=1), model.with_(per_minute=10)

    assert alone.metering() == pytest.approx(10 * among_ten.metering())
    assert alone.metering() == pytest.approx(model.minute() * 1e6)


def test_month_costs_the_floor_plus_the_mix_per_million(model: Model) -> None:
    floor = sum(model.floor().values())

    assert model.month(0, gateway=True) == pytest.approx(floor)
    assert model.month(2_000_000, gateway=False) == pytest.approx(floor + 2 * model.mixed(gateway=False))


def test_http_api_is_cheaper_beyond_300_million_requests(model: Model) -> None:
    up_to = model.month(300e6, gateway=True)
    beyond = model.month(301e6, gateway=True) - up_to

    assert beyond == pytest.approx(model.mixed(gateway=True) - 0.1)


def test_free_account_has_no_fee_and_costs_less_than_a_paid_one(model: Model) -> None:
    costs = {name: sum(model.customer(plan).values()) for name, plan in CATALOG.items()}

    assert model.customer(CATALOG["free"])["payment"] == 0
    assert sorted(costs, key=lambda name: costs[name]) == list(CATALOG)


def test_sensitivities_are_sorted_by_size(model: Model) -> None:
    changes = [abs(change) for _, change in sensitivity(model)]

    assert changes == sorted(changes, reverse=True)
    assert all(change > 0 for change in changes)
