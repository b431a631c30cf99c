"""Attachments, and what an answer shows besides text."""

import hashlib
import io
import struct
from pathlib import Path

import pytest

pytestmark = pytest.mark.anyio


def size_of_png(path: str) -> tuple[int, int]:
    data = Path(path).read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", data[16:24])


async def test_files_arrive_whole_with_their_types(simulator, connect, name, strict, tmp_path):
    picture = bytes(range(256)) * 300 + b"\r\n--x\r\n"
    (tmp_path / "füchse.png").write_bytes(picture)
    async with connect() as client:
        output = await client.generate_content("!sim files x", files=[tmp_path / "füchse.png", b"plain", io.BytesIO(b"")])
    fields = [item.split(":") for item in output.text.removeprefix("files: ").split(" ")]
    digests = [hashlib.sha256(data).hexdigest() for data in (picture, b"plain", b"")]
    assert [field[1:] for field in fields] == [
        [str(len(picture)), digests[0], "image/png"],
        ["5", digests[1], "text/plain"],
        ["0", digests[2], "text/plain"],
    ]
    assert fields[0][0] == "füchse.png"
    strict.turns = 1
    assert sum(entry["path"] == "/upload" for entry in simulator.requests(name)) == 3


async def test_a_generated_image_in_full_size(simulator, connect, name, strict, tmp_path):
    async with connect() as client:
        output = await client.generate_content("!sim image 2\n!sim say Here:")
        assert output.text.strip() == "Here:" and len(output.images) == 2
        path = await output.images[0].save(str(tmp_path))
    assert size_of_png(path) == (2816, 1536)
    strict.turns = 1
    folders = [entry["path"].split("/")[1] for entry in simulator.requests(name) if "gg" in entry["path"]]
    assert folders == ["gg-dl", "rd-gg-dl", "rd-gg-dl"]


@pytest.mark.parametrize("directive", ["image", "image-edit"])
async def test_without_full_size_the_suffix_serves(simulator, connect, name, tmp_path, directive):
    simulator.account(name, fullsize=False)
    async with connect() as client:
        output = await client.generate_content(f"!sim {directive}")
        large = await output.images[0].save(str(tmp_path))
        small = await output.images[0].save(str(tmp_path), full_size=False)
    assert size_of_png(large) == (2048, 1117) and size_of_png(small) == (1024, 559)


async def test_web_image_and_citations(connect, strict, tmp_path):
    async with connect() as client:
        output = await client.generate_content("!sim webimage x\n!sim cite x\n!sim say Look.")
        assert output.text == "Look. [cite: 1, 2]"
        candidate = output.candidates[0]
        assert [(c.id, c.title) for c in candidate.citations] == [(1, "Source 1"), (2, "Source 2")]
        assert size_of_png(await candidate.web_images[0].save(str(tmp_path)))[0] == 512
    strict.turns = 1


async def test_video_and_music_are_ready_at_the_second_asking(simulator, connect, name, strict, tmp_path):
    async with connect() as client:
        output = await client.generate_content("!sim video x\n!sim music x")
        video = await output.videos[0].save(str(tmp_path / "video"))
        music = await output.media[0].save(str(tmp_path / "music"))
    assert Path(video["video"]).read_bytes()[4:8] == b"ftyp"
    assert Path(music["audio"]).read_bytes()[:2] == b"\xff\xfb"
    assert Path(music["video"]).read_bytes()[4:8] == b"ftyp"
    assert size_of_png(video["video_thumbnail"])[0] == 512
    strict.turns = 1
    downloads = [entry["status"] for entry in simulator.requests(name) if entry["path"].startswith("/gg-dl/")]
    assert sorted(downloads) == [200, 200, 200, 206, 206, 206]
