import pytest
from PIL import Image

from proxim.ui.qr import qr_matrix
from tests.qr_reader import NoQRError, read_qr
from tests.rows import each_row


@each_row("length", [1, 17, 60, 115, 135, 230, 300, 500])
@each_row("zoom", [2, 5])
def test_what_was_drawn_is_read(length: int, zoom: int) -> None:
    text = ("http://192.168.178.123:47800/#s=é🙂" * 20)[:length]
    matrix = qr_matrix(text)
    side = len(matrix)
    image = Image.new("L", (side, side))
    image.putdata([0 if dark else 255 for row in matrix for dark in row])
    screen = Image.new("RGB", (side * zoom + 100, side * zoom + 50), "#1c1f24")
    screen.paste(image.resize((side * zoom, side * zoom), Image.Resampling.NEAREST), (60, 30))
    assert read_qr(screen) == text


def test_an_empty_screen_has_none() -> None:
    with pytest.raises(NoQRError):
        read_qr(Image.new("RGB", (200, 200), "white"))
