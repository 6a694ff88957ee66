"""The staged Chalice project."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from infra.packaging import chalice_project
from infra.packaging.architecture import Architecture
from infra.packaging.errors import BuildError
from infra.repository import Service

if TYPE_CHECKING:
    from pathlib import Path

APP = """
from chalice.app import Chalice

app = Chalice(app_name="shop", configure_logs=False)


@app.route("/v1/things/{thing}", methods=["GET"])
def thing(thing): ...


@app.on_sqs_message(queue_arn={"Fn::GetAtt": ["Events", "Arn"]})
def on_events(event): ...
"""


@pytest.fixture
def service(tmp_path: Path) -> Service:
    service = Service("shop", tmp_path / "repository")
    (service.package / "__pycache__").mkdir(parents=True)
    (service.package / "__init__.py").write_text("")
    (service.package / "script.lua").write_text("return 1")
    (service.package / "__pycache__" / "old.pyc").write_text("")
    (service.folder / "app.py").write_text(APP)
    (service.folder / ".chalice").mkdir()
    settings = {"version": "2.0", "app_name": "shop", "lambda_functions": {"on_events": {"lambda_timeout": 30}}}
    (service.folder / ".chalice" / "config.json").write_text(json.dumps(settings))
    common = service.root / "libs" / "common" / "kv_common"
    common.mkdir(parents=True)
    (common / "__init__.py").write_text("")
    return service


def policy(service: Service, function: str) -> None:
    statement = {"Effect": "Allow", "Action": "sqs:ReceiveMessage", "Resource": {"Fn::GetAtt": ["Events", "Arn"]}}
    path = service.folder / ".chalice" / f"policy-{function}.json"
    path.write_text(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


def package(service: Service, folder: Path, architecture: Architecture = Architecture.ARM64) -> dict[str, object]:
    common = service.root / "libs" / "common" / "kv_common"
    chalice_project.stage(service, common, architecture, folder / "project")
    template, _ = chalice_project.package(folder / "project", folder / "out")
    resources: dict[str, object] = template["Resources"]
    return resources


def test_packages_are_copied_with_their_data_and_without_what_running_them_leaves(
    service: Service, tmp_path: Path
) -> None:
    common = service.root / "libs" / "common" / "kv_common"
    chalice_project.stage(service, common, Architecture.ARM64, tmp_path / "project")

    vendor = tmp_path / "project" / "vendor"
    files = {str(file.relative_to(vendor)) for file in vendor.rglob("*") if file.is_file()}
    assert files == {"kv_common/__init__.py", "shop_service/__init__.py", "shop_service/script.lua"}
    assert (tmp_path / "project" / "requirements.txt").read_text() == ""


def test_every_function_has_its_settings_its_architecture_and_its_own_policy(service: Service, tmp_path: Path) -> None:
    policy(service, "on_events")

    resources = json.loads(json.dumps(package(service, tmp_path)))

    assert resources["OnEvents"]["Properties"]["Timeout"] == 30
    assert resources["OnEvents"]["Properties"]["Architectures"] == ["arm64"]
    (own,) = resources["OnEventsRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    assert own["Resource"] == {"Fn::GetAtt": ["Events", "Arn"]}
    assert resources["ApiHandlerRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"] == []


def test_a_policy_file_that_fits_no_function_is_an_error(service: Service, tmp_path: Path) -> None:
    policy(service, "on_event")

    with pytest.raises(BuildError, match=r"policy-on_event\.json belongs to no function.*oneventsrole"):
        package(service, tmp_path)


def test_an_app_that_does_not_import_is_shown_without_the_frames_of_chalice(service: Service, tmp_path: Path) -> None:
    (service.folder / "app.py").write_text("import shop_service.nothing\n")

    with pytest.raises(BuildError, match=r"No module named 'shop_service\.nothing'") as raised:
        package(service, tmp_path)
    assert "click" not in str(raised.value)
