import io
import subprocess
import sys

from PIL import Image

from proxim.ui.qr import QUIET_ZONE, Matrix, half_blocks, inverted, pgm_image, png_image, qr_matrix
from tests.ui.tk_support import URL

FINDER = ("#######", "#.....#", "#.###.#", "#.###.#", "#.###.#", "#.....#", "#######")


def drawn(matrix: Matrix, row: int, column: int) -> tuple[str, ...]:
    return tuple(
        "".join(".#"[module] for module in line[column : column + 7])
        for line in matrix[row : row + 7]
    )


def test_finder_patterns_stand_inside_a_quiet_zone_of_four_modules() -> None:
    matrix = qr_matrix(URL)
    size = len(matrix)
    assert all(len(row) == size for row in matrix)
    edge = size - QUIET_ZONE - 7
    assert drawn(matrix, 4, 4) == drawn(matrix, 4, edge) == drawn(matrix, edge, 4) == FINDER
    border = [*range(4), *range(size - 4, size)]
    assert not any(matrix[at][other] or matrix[other][at] for at in border for other in range(size))


def test_another_text_is_another_matrix() -> None:
    assert qr_matrix(URL) != qr_matrix(URL.replace("abc", "abd"))


def test_image_has_one_pixel_for_each_module() -> None:
    matrix = ((True, False), (False, False), (True, True))
    assert pgm_image(matrix) == b"P5 2 3 255\n" + bytes([0, 255, 255, 255, 0, 0])


def test_half_blocks_draw_what_is_light() -> None:
    matrix = ((True, False, True, False), (True, True, False, False), (True, False, True, False))
    assert half_blocks(matrix) == " ▀▄█\n▄█▄█"
    assert half_blocks(matrix, colour=True).splitlines() == [
        "\x1b[40;97m ▀▄█\x1b[0m",
        "\x1b[40;97m▄█▄█\x1b[0m",
    ]


def test_inverted_for_a_light_terminal() -> None:
    # The half of the last line that is beyond the picture is quiet zone, too.
    matrix = qr_matrix(URL)
    normal, flipped = half_blocks(matrix), half_blocks(inverted(matrix))
    assert flipped == normal.translate(str.maketrans("█▀▄ ", " ▄▀█"))
    assert set(normal.splitlines()[-1]) == {"█"}


def test_a_picture_for_a_file() -> None:
    matrix = qr_matrix(URL)
    picture = Image.open(io.BytesIO(png_image(matrix)))
    assert picture.format == "PNG"
    assert picture.size == (8 * len(matrix), 8 * len(matrix))
    # Image.load() also checks the sums.
    pixels = picture.convert("L")
    seen = tuple(
        tuple(pixels.getpixel((8 * x + at % 8, 8 * y + at // 8)) == 0 for x in range(len(matrix)))
        for at in (0, 63)
        for y in range(len(matrix))
    )
    assert seen == matrix + matrix


def test_neither_tkinter_nor_pillow_is_loaded() -> None:
    program = (
        "import sys; from proxim.ui.qr import qr_matrix; qr_matrix('x');"
        "print(sorted({'tkinter', 'PIL'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_pillow_that_is_loaded_already_stays() -> None:
    program = (
        "import PIL, sys; from proxim.ui.qr import qr_matrix; qr_matrix('x'); "
        "print(sys.modules['PIL'] is PIL)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "True"
