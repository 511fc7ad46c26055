"""Pictures of what screens show: text, and photos."""

import random

from PIL import Image


def text_page(width: int, height: int, seed: int = 1) -> Image.Image:
    """Something with few colours and sharp edges, each row of it another."""
    dice = random.Random(seed)
    letters = [Image.frombytes("1", (7, 9), dice.randbytes(9)) for _ in range(80)]
    colours = ["black", "navy", "maroon"]
    image = Image.new("RGB", (width, height), "white")
    for row in range(4, height, 12):
        column = 4
        while column < width:
            image.paste(dice.choice(colours), (column, row), dice.choice(letters))
            column += dice.choice((8, 8, 8, 16, 60))
    return image


def photo(width: int, height: int, seed: int = 1) -> Image.Image:
    """Something with very many colours."""
    dice = random.Random(seed)
    small = Image.frombytes("RGB", (40, 25), dice.randbytes(3 * 40 * 25))
    soft = small.resize((width, height), Image.Resampling.BICUBIC)
    noise = Image.frombytes("RGB", (width, height), dice.randbytes(3 * width * height))
    return Image.blend(soft, noise, 0.1)
