"""Files with very many columns: every page of theirs can be filled in and sent, with scripts and without."""

import re
from pathlib import Path

import pytest
from django.test import Client

from accounts.models import User
from ingest import forms, services
from ingest.models import Import, RejectState
from ingest.pages import PAGE_SIZE
from ingest.tests import faulty

pytestmark = pytest.mark.django_db(transaction=True)

COLUMNS = 1000
PAY = 700  # columns before the one with the pay


def wide(path: Path, *pays: str, columns: int = COLUMNS, pay: int = PAY) -> Path:
    """A file whose pay stands far to the right."""
    header = ["Job title", *(f"Question {n}" for n in range(1, columns))]
    header[pay] = "Salary"
    lines = [",".join(header)]
    for text in pays:
        cells = ["Engineer", *(f"a{n}" for n in range(1, columns))]
        cells[pay] = text
        lines.append(",".join(cells))
    path.write_text("\n".join(lines) + "\n")
    return path


def fields(page: str) -> dict[str, str]:
    """What a browser sends of a page's forms: hidden fields, inputs, selects."""
    found = dict(re.findall(r'<input[^>]*? name="([^"]+)" value="([^"]*)"', page))
    for name, options in re.findall(r'<select[^>]*? name="([^"]+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else ""
    return found


def test_mapping_shows_what_is_mapped_and_on_demand_all(
    signed_in: Client, owner: User, tmp_path: Path
) -> None:
    path = wide(tmp_path / "wide.csv", "50000", "60000")
    source = services.import_create(by=owner, dataset="salary_records", upload=path, name=path.name)
    page = signed_in.get(f"/imports/{source.pk}/map").content.decode()
    assert f'name="to-{PAY}"' in page and 'name="to-999"' not in page
    hidden = COLUMNS - forms.COLUMNS_SHOWN - 1
    assert f"{hidden} more columns are not loaded" in page
    page = signed_in.post(f"/imports/{source.pk}/map/preview", {**fields(page), "all": "1"}).content.decode()
    sent = fields(page)
    assert sum(name.startswith("to-") for name in sent) == COLUMNS and sent["all"] == "1"
    sent["to-999"] = "company"
    assert 'name="to-998"' in signed_in.post(f"/imports/{source.pk}/map/preview", sent).content.decode()
    response = signed_in.post(f"/imports/{source.pk}/map", sent)
    assert (response.status_code, response["Location"]) == (302, f"/imports/{source.pk}/check")
    columns = Import.objects.get(pk=source.pk).mapping["columns"]
    assert (columns["salary"], columns["company"]) == (PAY, 999)
    assert 'name="to-999"' in signed_in.get(f"/imports/{source.pk}/map").content.decode(), "it is mapped now"


@pytest.mark.parametrize("script", [True, False], ids=["script", "form"])
def test_page_full_of_rejects_is_corrected(
    signed_in: Client, owner: User, tmp_path: Path, script: bool
) -> None:
    path = wide(tmp_path / "wide.csv", "50000", *["abc"] * PAGE_SIZE, columns=60, pay=50)
    source = faulty.loaded(path, owner)
    assert source.rejected == PAGE_SIZE
    page = signed_in.get(f"/imports/{source.pk}/rejects").content.decode()
    sent = fields(page)
    assert len(sent) > 2000 and sent["c3.50"] == "abc"
    sent["c3.50"] = "70000"
    address = f"/imports/{source.pk}/rejects/fix"
    if script:
        response = signed_in.post(f"{address}?line=3", sent, headers={"HX-Request": "true"})
        assert response.status_code == 200 and "Valid now" in response.content.decode()
    else:
        assert signed_in.post(address, sent).status_code == 302
    assert list(source.rejects.filter(state=RejectState.VALID).values_list("line", flat=True)) == [3]


def test_cells_beyond_the_header_of_a_wide_file_can_be_emptied(
    signed_in: Client, owner: User, tmp_path: Path
) -> None:
    path = wide(tmp_path / "wide.csv", "50000", "60000,one,too", columns=60, pay=59)
    source = faulty.loaded(path, owner)
    page = signed_in.get(f"/imports/{source.pk}/rejects").content.decode()
    assert 'name="c3.60"' in page and 'name="c3.61"' in page
    signed_in.post(f"/imports/{source.pk}/rejects/fix", {"c3.60": "", "c3.61": "", "v3": "0"})
    assert source.rejects.get(line=3).state == RejectState.VALID


def test_line_of_a_wide_file_shows_first_what_goes_somewhere(
    signed_in: Client, owner: User, tmp_path: Path
) -> None:
    source = faulty.loaded(wide(tmp_path / "wide.csv", "50000"), owner)
    page = signed_in.get(f"/imports/{source.pk}/rows/2").content.decode()
    shown = re.findall(r'<tr><th scope="row">([^<]+)</th>', page)
    assert shown[:3] == ["Job title", "Salary", "Question 1"] and len(shown) == COLUMNS
    assert 'class="table cards fixed long" id="cells"' in page and f"Show all {COLUMNS}" in page
